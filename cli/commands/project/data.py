"""`scratch data`."""

from typing import TYPE_CHECKING

import click

from utils.terminal.groups import Group

if TYPE_CHECKING:
    from data_utils.cards import DatasetCard


@click.group("data", cls=Group)
def command() -> None:
    """List, download and verify the data sets."""


@command.command("list")
def list_() -> None:
    """List the data sets: what they are, and whether they need a download."""
    from data_utils.cards import cards
    from utils.terminal.table import table

    rows = [(card.name, card.title, _download(card), card.contents) for card in cards().values()]
    click.echo(table(("name", "data set", "download", "contents"), rows))


@command.command("get")
@click.argument("name")
def get(name: str) -> None:
    """Download the data set NAME, and check it.

    $SCRATCH_DATA_MIRROR, a folder or URL that holds <data set>/<file>, is tried before the authors' servers.
    Training downloads what it needs by itself.
    """
    from data_utils.cards import get_card
    from data_utils.download import fetch

    card = get_card(name)
    for path in fetch(card).values():
        click.echo(path)
    _say_if_fileless(card)


@command.command("verify")
@click.argument("name")
def verify(name: str) -> None:
    """Check that the files of the data set NAME are there and are what their authors distribute."""
    from data_utils.cards import get_card
    from data_utils.download import verify as verify_files

    card = get_card(name)
    verify_files(card)
    for file in card.files:
        click.echo(f"{file.name}: {file.size} bytes, sha256 as on the card")
    _say_if_fileless(card)


def _download(card: "DatasetCard") -> str:
    size = sum(file.size for file in card.files)
    return f"{size / 1e6:.1f} MB" if size else "none"


def _say_if_fileless(card: "DatasetCard") -> None:
    if not card.files:
        click.echo(f"{card.name} has no files to download: {card.source}")
