"""The pages of docs/governance: data sets and dependencies, written from what is in the repository."""
