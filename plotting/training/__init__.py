"""plotting.training."""
