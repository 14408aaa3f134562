"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

TITLE = "Automatic differentiation"
PAPER = "A simple automatic derivative evaluation program"
AUTHORS = "Robert Edwin Wengert"
YEAR = 1964
URL = "https://doi.org/10.1145/355586.364791"
MODULE = "Neurons and learning rules"
CAN = "Find every gradient of a computation, exactly."
CANNOT = "Be fast: every number of the computation is kept on the tape, and each costs a Python object."
