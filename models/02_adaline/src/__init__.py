"""ADALINE (Widrow & Hoff 1960)."""
