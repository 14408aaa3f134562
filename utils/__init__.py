"""Helpers that every other package may use: errors, schemas, atomic files, seeds, the narrative log."""
