"""The model registry: which checkpoint of a chapter is in use."""
