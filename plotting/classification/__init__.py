"""Plots of classifiers: which class the model answers, and why."""
