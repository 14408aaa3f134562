"""data_utils.datasets."""
