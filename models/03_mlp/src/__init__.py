"""The multilayer perceptron (Rumelhart, Hinton and Williams 1986)."""
