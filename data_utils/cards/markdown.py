"""The cards as a page: `python -m data_utils.cards.markdown > docs/datasets.md`."""

from collections.abc import Iterable

from data_utils.cards import DatasetCard, cards


def markdown(datasets: Iterable[DatasetCard]) -> str:
    """A table of the data sets, then a section on each."""
    datasets = list(datasets)
    rows = [f"| [{card.name}](#{card.name}) | {card.title} | {card.contents} | {card.licence} |" for card in datasets]
    return "\n".join(
        [
            "# Data sets",
            "",
            "Written by `python -m data_utils.cards.markdown` from the cards in `data_utils/cards/`.",
            "",
            "| Name | Title | Contents | Licence |",
            "|---|---|---|---|",
            *rows,
            *(line for card in datasets for line in _section(card)),
            "",
        ]
    )


def _section(card: DatasetCard) -> list[str]:
    return ["", f"## {card.name}", "", *details(card)]


def details(card: DatasetCard) -> list[str]:
    """What a card tells beyond its row in the table, as lines of Markdown."""
    facts = {
        "Source": card.source,
        "Citation": card.citation,
        "Splits": card.splits,
        "Known issues": card.known_issues,
        "Ethics": card.ethics,
        "Files": ", ".join(f"`{file.name}` ({file.size} bytes)" for file in card.files),
    }
    return [card.description, "", *(f"- **{fact}**: {text}" for fact, text in facts.items() if text)]


if __name__ == "__main__":
    print(markdown(cards().values()), end="")
