"""A chapter for `tools/chaos`: one experiment for each kind of run that there is."""
