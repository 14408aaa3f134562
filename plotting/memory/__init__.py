"""Plots of networks that store patterns."""
