"""`scratch reproduce`: train the experiments of chapters on their seeds, check their claims, write the results."""
