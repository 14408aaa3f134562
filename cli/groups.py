"""Click groups that answer an unknown command with the closest one there is."""

import importlib

import click

from utils.errors import unknown


class Group(click.Group):
    """A group of commands."""

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called `name`."""
        if name not in self.list_commands(context):
            raise unknown("command", name, self.list_commands(context))
        return super().get_command(context, name)


class LazyGroup(Group):
    """A group whose commands are imported when they are called, so that its help is there at once.

    Args:
        lazy: Command to what it does in a line. Each is the function `command` in `cli/commands/<name>.py`.
    """

    def __init__(self, *args: object, lazy: dict[str, str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own arguments, passed through
        self.lazy = lazy

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands, in the order in which they were given."""
        return list(self.lazy)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called `name`, imported now."""
        if name in self.lazy and name not in self.commands:
            self.add_command(importlib.import_module(f"cli.commands.{name}").command)
        return super().get_command(context, name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lazy.items()))
