"""cli.commands.learn."""
