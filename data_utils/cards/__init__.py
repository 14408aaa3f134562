"""Data cards: where a data set comes from, what it may be used for, what is wrong with it."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from utils.errors import unknown
from utils.schema import Strict, validate

__all__ = ["DatasetCard", "DatasetFile", "cards", "get_card"]

Text = Annotated[str, Field(min_length=1)]


class DatasetFile(Strict):
    """A file as its authors distribute it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(gt=0)
    """Bytes."""


class DatasetCard(Strict):
    """What one should know before using a data set."""

    name: Text
    """The name in a config."""
    title: Text
    description: Text
    modality: Literal["table", "image", "text"]
    contents: Text
    """Numbers of examples, features and classes."""
    source: Text
    """Who made it and where it is kept."""
    urls: tuple[Annotated[str, Field(pattern=r"^https?://.*/$")], ...]
    """Folders on the network that hold the files, in the order in which they are tried."""
    files: tuple[DatasetFile, ...]
    """Empty for data that is generated or comes with a library."""
    licence: Text
    citation: Text | None
    splits: Text
    known_issues: Text
    ethics: Text
    """The gist of the four below."""
    people: Text
    """Who is in the data, and what it shows of them."""
    consent: Text
    """What is known of their consent."""
    intended_use: Text
    misuse: Text
    """What it must not or cannot be used for."""


@cache
def cards() -> dict[str, DatasetCard]:
    """Every card by the name of its data set, in alphabetical order."""
    paths = sorted(Path(__file__).parent.glob("*.yaml"), key=lambda path: path.stem)
    return {
        path.stem: validate(DatasetCard, yaml.safe_load(path.read_text(encoding="utf-8")), str(path)) for path in paths
    }


def get_card(name: str) -> DatasetCard:
    """The card of data set `name`.

    Raises:
        InputError: There is no such data set.
    """
    if name not in cards():
        raise unknown("dataset", name, cards())
    return cards()[name]
