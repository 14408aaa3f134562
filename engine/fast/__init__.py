"""engine.fast."""
