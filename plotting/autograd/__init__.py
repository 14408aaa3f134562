"""Plots of automatic differentiation."""
