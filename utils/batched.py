"""A long sequence in parts."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of `size`, of which the last may be shorter; each is taken as it is asked for."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
