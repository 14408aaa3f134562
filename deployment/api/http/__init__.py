"""deployment.api.http."""
