"""plotting.memory."""
