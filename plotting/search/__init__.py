"""Plots of sweeps, and of models made smaller."""
