"""The `scratch` command: finds the chapters, keeps their virtual environments, starts their scripts; see README.md."""
