"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

TITLE = "Perceptron"
PAPER = "The perceptron: a probabilistic model for information storage and organization in the brain"
AUTHORS = "Frank Rosenblatt"
YEAR = 1958
URL = "https://doi.org/10.1037/h0042519"
MODULE = "Neurons and learning rules"
CAN = "Learn whatever one line separates, with a bound on the mistakes."
CANNOT = "Find what no single line separates, such as XOR, or come to rest where the classes overlap."
