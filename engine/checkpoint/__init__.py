"""engine.checkpoint."""
