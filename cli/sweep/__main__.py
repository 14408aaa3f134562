"""`python -m cli.sweep REQUEST`: what `scratch sweep` becomes, in the environment of the chapter."""

import click

from cli.sweep.request import Request
from utils.terminal.run import run_command


@click.command()
@click.argument("request")
@click.option("--debug", is_flag=True)
def command(request: str, debug: bool) -> None:
    """Run the sweep that REQUEST, in JSON, asks for."""
    from cli.sweep.study import run

    run(Request.read(request))


if __name__ == "__main__":
    run_command(command)
