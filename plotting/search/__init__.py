"""plotting.search."""
