"""engine.debug."""
