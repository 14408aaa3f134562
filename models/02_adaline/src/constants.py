"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

TITLE = "ADALINE"
PAPER = "Adaptive switching circuits"
AUTHORS = "Bernard Widrow, Marcian E. Hoff"
YEAR = 1960
URL = "https://doi.org/10.7551/mitpress/4943.003.0012"
MODULE = "Neurons and learning rules"
CAN = "Come to rest as near as a line can come, by steps whose longest length is known."
CANNOT = "Bend its line, or ignore points that are far on the right side: each of them pulls the line towards itself."
