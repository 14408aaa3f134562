"""plotting.classification."""
