"""Sweeps: many trainings of one experiment with different settings (`scratch sweep`)."""
