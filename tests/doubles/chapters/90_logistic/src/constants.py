"""What this chapter is about."""

TITLE = "Logistic regression"
PAPER = "The regression analysis of binary sequences"
AUTHORS = "David Cox"
YEAR = 1958
URL = "https://doi.org/10.1111/j.2517-6161.1958.tb00292.x"
MODULE = "For tests"
