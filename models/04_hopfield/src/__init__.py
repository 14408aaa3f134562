"""Hopfield networks (Hopfield 1982; Ramsauer et al. 2021)."""
