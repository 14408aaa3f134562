"""docs/configuration.md has every key there is, no other, and the values that the files have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from engine.config import ExperimentConfig
from experiment.script import train_command

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs/configuration.md").read_text()


def rows(section: str) -> list[list[str]]:
    """The tables of a section, without their heads; cells without backticks."""
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def documented_keys() -> set[str]:
    every_key = DOCUMENT.split("## Every key")[1].split("## Names of metrics")[0]
    settings, claims = every_key.split("### Claims")
    return {row[0] for row in rows(settings)} | {f"claims.{row[0]}" for row in rows(claims)}


def keys(schema: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted path of every field, those of sections within sections included."""
    for name, field in schema.model_fields.items():
        yield prefix + name
        for section in sections(field.annotation):
            yield from keys(section, f"{prefix}{name}.")


def sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is dict:  # keys chosen by the user
        return []
    return [section for argument in get_args(annotation) for section in sections(argument)]


def test_every_key_is_documented_and_nothing_else() -> None:
    assert sorted(documented_keys()) == sorted(set(keys(ExperimentConfig)))


GROUPS = re.findall(r"^### `(\w+)` \((config/\S+)\)$", DOCUMENT, flags=re.MULTILINE)


@pytest.mark.parametrize(("group", "file"), GROUPS)
def test_the_values_are_those_of_the_file(group: str, file: str) -> None:
    content = {group: yaml.safe_load((ROOT / file).read_text())}
    section = DOCUMENT.split(f"### `{group}` ({file})")[1].split("\n### ")[0]
    for key, _, value, _ in rows(section):
        if value != "-":
            found: Any = content
            for part in key.split("."):
                found = found[part]
            assert yaml.safe_load(value) == found, key


def test_every_shared_group_is_documented() -> None:
    assert {group for group, _ in GROUPS} == {folder.name for folder in (ROOT / "config").iterdir()}


def test_every_flag_is_documented_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ROOT / "models/01_perceptron/src/train.py"
    monkeypatch.setattr("sys.argv", ["train.py", "--help"])
    with pytest.raises(SystemExit):
        train_command(str(script), BaseModel, {}, lambda run: None)  # type: ignore[arg-type]  # help reads no schema
    offered = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, flags=re.MULTILINE)) - {"--help"}
    table = DOCUMENT.split("| Flag of `train.py`")[1].split("\n\n")[0]
    assert {row[0].split()[0] for row in rows(table)} == offered
