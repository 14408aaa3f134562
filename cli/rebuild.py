"""`python -m cli.rebuild`, in a chapter's environment: what `scratch track` becomes."""

from pathlib import Path

import click

from utils.terminal.run import run_command


@click.command()
@click.argument("outputs", type=click.Path(path_type=Path))
@click.argument("run_id")
@click.argument("tracker")
@click.option("--uri", default=None)
@click.option("--project", default=None)
@click.option("--debug", is_flag=True)
def main(outputs: Path, run_id: str, tracker: str, uri: str | None, project: str | None, debug: bool) -> None:
    """Show a recorded run on a tracker."""
    from engine.tracking.backfill import rebuild

    changes = {"mlflow": {"uri": uri}, "wandb": {"project": project}}.get(tracker, {})
    changes = {setting: value for setting, value in changes.items() if value is not None}
    for line in rebuild(outputs, run_id, tracker, changes):
        click.echo(line)


if __name__ == "__main__":
    run_command(main)
