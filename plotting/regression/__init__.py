"""Plots of models that predict numbers."""
