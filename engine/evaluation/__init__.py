"""engine.evaluation."""
