"""One file for each command, with the function `command`.

At the top they import click and the standard library, nothing heavier: help and mistakes are answered at once.
"""
