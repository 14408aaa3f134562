"""plotting.autograd."""
