"""Plots of a run: what was recorded while it trained."""
