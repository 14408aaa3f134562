"""cli.commands.train."""
