"""Options that a chapter's script and a command share."""

import click

PROFILED_STEPS = click.IntRange(1, 10_000)  # the trace of each is kept in memory
