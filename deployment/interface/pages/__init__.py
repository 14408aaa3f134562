"""deployment.interface.pages."""
