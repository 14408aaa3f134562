"""Options that several commands have."""

from pathlib import Path

import click


class AbsolutePath(click.Path):
    """A path, made absolute: what is written down about a run must mean the same from another folder."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path that was given."""
        return Path(super().convert(value, param, ctx)).absolute()  # type: ignore[arg-type]  # click's own signature


PATH = AbsolutePath(path_type=Path)

CHECKPOINT = click.option(
    "--checkpoint", required=True, metavar="REF", help="A file, a run id, 'latest', or a wandb artifact."
)
DEVICE = click.option("--device", metavar="NAME", default="cpu", show_default=True, help="cpu, cuda, mps or auto.")
OUTPUTS = click.option("--outputs", type=PATH, help="Where the results are; default: the chapter's outputs/.")
RUN_OUTPUTS = click.option("--outputs", type=PATH, help="Where the run is; default: the chapters' outputs/.")
# Read by `run_command`, which shows the errors.
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
