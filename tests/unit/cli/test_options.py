"""Options of several commands."""

from pathlib import Path

import click
from click.testing import CliRunner

from cli.options import DEBUG, OUTPUTS


def test_a_path_means_the_same_from_another_folder() -> None:
    @click.command()
    @OUTPUTS
    @DEBUG
    def command(outputs: Path | None) -> None:
        click.echo(outputs)

    assert CliRunner().invoke(command, ["--outputs", "here", "--debug"]).output == f"{Path.cwd() / 'here'}\n"
    assert CliRunner().invoke(command, []).output == "\n"
