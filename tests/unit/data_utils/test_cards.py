from pathlib import Path
from typing import get_args

import pytest

from data_utils.cards import cards, get_card
from data_utils.cards.markdown import markdown
from data_utils.datasets import config_classes
from utils.errors import InputError


def test_every_data_set_has_a_card_and_every_card_a_data_set():
    names = {name for config in config_classes() for name in get_args(config.model_fields["name"].annotation)}
    assert set(cards()) == names


def test_a_card_lies_under_its_own_name():
    assert all(card.name == name for name, card in cards().items())


def test_files_can_be_fetched_from_somewhere():
    assert all(card.urls for card in cards().values() if card.files)


def test_an_unknown_data_set_is_answered_with_the_closest():
    with pytest.raises(InputError, match="unknown dataset 'minst', did you mean 'mnist'"):
        get_card("minst")


def test_the_page_of_data_sets_is_what_the_cards_say():
    page = Path(__file__).parents[3] / "docs" / "datasets.md"
    assert page.read_text(encoding="utf-8") == markdown(
        cards().values()
    ), "run python -m data_utils.cards.markdown > docs/datasets.md"
