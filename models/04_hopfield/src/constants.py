"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

TITLE = "Hopfield networks"
PAPER = "Neural networks and physical systems with emergent collective computational abilities"
AUTHORS = "John J. Hopfield"
YEAR = 1982
URL = "https://doi.org/10.1073/pnas.79.8.2554"
MODULE = "Neurons and learning rules"
CAN = "Complete a memory from a part of it."
CANNOT = "Hold more than 0.138 patterns a unit by Hebb's rule, or tell patterns apart that are much alike."
