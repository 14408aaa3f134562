"""The page on the people in the data sets, and on what these are for."""

from collections.abc import Iterable

from data_utils.cards import DatasetCard

HEAD = """# Data sets: people, consent, use

Written by `./scratch governance` from the cards in `data_utils/cards/`. Splits, files and citations are in
[datasets.md](../datasets.md). No data is in this repository: it is generated, comes with scikit-learn, or is downloaded
from where its authors keep it and checked against the SHA-256 on its card."""


def page(cards: Iterable[DatasetCard]) -> str:
    """A section on each set that somebody is in, and a table of the others."""
    cards = list(cards)
    with_people = [card for card in cards if card.people != "nobody"]
    others = [card for card in cards if card.people == "nobody"]
    rows = [
        f"| [{c.name}](../datasets.md#{c.name}) | {c.source} | {c.licence} | {c.intended_use} | {c.misuse} |"
        for c in others
    ]
    return "\n".join(
        [
            HEAD,
            *(line for card in with_people for line in _section(card)),
            "",
            "## Sets without people",
            "",
            "| Name | Source | Licence | Intended use | Misuse |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _section(card: DatasetCard) -> list[str]:
    facts = {
        "Source": card.source,
        "Licence": card.licence,
        "People": card.people,
        "Consent": card.consent,
        "Intended use": card.intended_use,
        "Misuse": card.misuse,
        "Known issues": card.known_issues,
    }
    return ["", f"## {card.name}", "", card.description, "", *(f"- **{fact}**: {text}" for fact, text in facts.items())]
