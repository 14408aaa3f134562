"""Trained models in other forms, each checked against its checkpoint."""
