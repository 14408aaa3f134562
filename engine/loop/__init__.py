"""engine.loop."""
