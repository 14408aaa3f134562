"""plotting.regression."""
