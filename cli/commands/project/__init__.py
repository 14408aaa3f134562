"""cli.commands.project."""
