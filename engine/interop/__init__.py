"""The models under the trainers of others."""
