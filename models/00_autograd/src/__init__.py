"""Automatic differentiation (Wengert 1964)."""
