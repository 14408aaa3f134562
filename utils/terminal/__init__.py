"""utils.terminal."""
