"""The perceptron (Rosenblatt 1958)."""
