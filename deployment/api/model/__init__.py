"""deployment.api.model."""
