"""A chapter for tests: logistic regression, or one hidden layer, on two clouds of points."""
