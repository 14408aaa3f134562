"""engine.device."""
