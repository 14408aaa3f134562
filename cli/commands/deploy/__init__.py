"""cli.commands.deploy."""
