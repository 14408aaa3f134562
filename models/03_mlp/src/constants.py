"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

TITLE = "Multilayer perceptron"
PAPER = "Learning representations by back-propagating errors"
AUTHORS = "David E. Rumelhart, Geoffrey E. Hinton, Ronald J. Williams"
YEAR = 1986
URL = "https://doi.org/10.1038/323533a0"
MODULE = "Neurons and learning rules"
CAN = "Bend: XOR, spirals, handwritten digits."
CANNOT = "See that a digit is the same a few pixels further on: every pixel has weights of its own."
