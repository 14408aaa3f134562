"""Numbers on the command line of a benchmark."""

import argparse


def count(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: It is something else, which argparse tells with the option's name.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 on")
    return int(text)


def counts(text: str) -> list[int]:
    """Several, such as `1,2`; raises as `count`."""
    return [count(part) for part in text.split(",")]
