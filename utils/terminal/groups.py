"""Click groups that answer an unknown command with the closest one there is."""

import importlib
from collections.abc import Mapping

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
        package: Where the commands are: each is the function `command` in `<package>/<section>/<name>.py`.
        sections: Section to its commands, and to what each does in a line.
    """

    def __init__(
        self, *args: object, package: str, sections: Mapping[str, Mapping[str, str]], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own arguments, passed through
        self.sections = sections
        self._modules = {name: f"{package}.{section}.{name}" for section, names in sections.items() for name in names}

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands, in the order in which they were given."""
        return list(self._modules)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called `name`, imported now."""
        if name in self._modules and name not in self.commands:
            self.add_command(importlib.import_module(self._modules[name]).command)
        return super().get_command(context, name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, section by section, without importing them."""
        width = max(map(len, self._modules))
        for section, commands in self.sections.items():
            with formatter.section(section.capitalize()):
                formatter.write_dl([(name.ljust(width), what) for name, what in commands.items()])
