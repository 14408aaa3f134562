"""engine.claims."""
