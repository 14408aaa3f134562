"""Parts of `scratch reproduce`: which runs are needed, what is written of them, links, tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.claims.claim import Claim
from experiment.reproduce.documents import documents
from experiment.reproduce.plan import Plan
from experiment.reproduce.results import describe, failures, figures, write
from experiment.reproduce.successors import links
from tests.doubles.toy_clone import ToyClone
from utils.errors import InputError


def claim(**fields: Any) -> dict[str, Any]:
    base = {"kind": "order", "metric": "train/accuracy", "over": "every seed, last epoch", "because": "a test says so"}
    return {"at_least": 0.5, **base, **fields}


def plan(*claims: dict[str, Any], seeds: tuple[int, ...] = (0, 1)) -> Plan:
    return Plan("03_mlp", "xor", {"claims": list(claims), "successor": None}, seeds)


def test_a_plain_claim_needs_one_run_for_each_seed() -> None:
    assert [str(run) for run in plan(claim()).all_runs()] == ["03_mlp/xor seed 0", "03_mlp/xor seed 1"]


def test_each_value_of_a_setting_needs_runs_of_its_own() -> None:
    runs = plan(claim(across={"model.hidden": [2, 8]}), seeds=(4,)).all_runs()
    assert [str(run) for run in runs] == [
        "03_mlp/xor seed 4",
        "03_mlp/xor model.hidden=2 seed 4",
        "03_mlp/xor model.hidden=8 seed 4",
    ]


def test_a_difference_needs_the_runs_of_the_other_experiment_on_the_same_seeds() -> None:
    other = claim(minus={"experiment": "01_perceptron/xor"})
    here = claim(minus={"settings": {"model.init": "zeros"}}, across={"data.seed": [3]})
    runs = [str(run) for run in plan(other, here, seeds=(7,)).all_runs()]
    assert runs == [
        "03_mlp/xor seed 7",
        "01_perceptron/xor seed 7",
        "03_mlp/xor data.seed=3 seed 7",
        "03_mlp/xor data.seed=3 model.init=zeros seed 7",
    ]


def test_a_new_claim_or_another_run_changes_the_digest_of_an_experiment() -> None:
    one, two = plan(claim()), plan(claim(at_least=0.6))
    same = {run: "a" for run in one.all_runs()}
    assert one.digest(same) == plan(claim()).digest(same)
    assert one.digest(same) != two.digest(same)
    assert one.digest(same) != one.digest(dict.fromkeys(one.all_runs(), "b"))


def test_figures_are_the_last_values_of_each_seed() -> None:
    rows = {seed: [{"step": 1, "a/b": 9.0}, {"step": 2, "a/b": float(seed), "speed/x": 1}] for seed in (0, 1)}
    assert figures(rows) == {"a/b": {"seeds": [0.0, 1.0], "mean": 0.5, "sd": 0.707107}}


def test_what_a_claim_is_about_is_said_in_words() -> None:
    assert describe(Claim(**claim(across={"data.n": [1]}))) == "train/accuracy; every seed, last epoch, for each data.n"
    less = Claim(**claim(minus={"experiment": "01_perceptron/xor", "settings": {"seed": 3}}))
    assert describe(less) == "train/accuracy less that of 01_perceptron/xor with seed=3; every seed, last epoch"


def test_results_read_back_as_they_were_written(tmp_path: Path) -> None:
    content = {"b": entry(), "a": entry(successor="03_mlp/xor")}
    write(tmp_path / "results.json", content)
    text = (tmp_path / "results.json").read_text()
    assert json.loads(text) == content
    assert list(json.loads(text)) == ["a", "b"]
    assert '"seeds": [0, 1],\n' in text


# Links --------------------------------------------------------------------------------------------------------------


def entry(accuracy: float = 0.5, successor: str | None = None, **changes: Any) -> dict[str, Any]:
    wanted = {"experiment": successor, "metric": None, "at_least": None} if successor else None
    said = {"kind": "order", "says": "train/accuracy; every seed", "measured": "0.5", "limit": "at most 0.75"}
    return {
        "date": "2026-01-02",
        "digest": "d",
        "data": "f00",
        "seeds": [0, 1],
        "seconds": 3.0,
        "versions": {"torch": "2.13.0", "numpy": "2.4.6"},
        "successor": wanted,
        "metrics": ["train/accuracy"],
        "claims": [{**said, "holds": True, "violations": []}],
        "figures": {"train/accuracy": {"seeds": [accuracy] * 2, "mean": accuracy, "sd": 0.0}},
        **changes,
    }


HERE = {"xor": entry(successor="03_mlp/xor")}


@pytest.mark.parametrize(
    ("there", "state", "why"),
    [
        ({}, "later", "03_mlp has no results yet"),
        ({"03_mlp": {"xor": entry(1.0)}}, "holds", "train/accuracy 0.5 and 1"),
        ({"03_mlp": {"xor": entry(0.5)}}, "fails", "train/accuracy 0.5 and 0.5"),
        ({"03_mlp": {"moons": entry(1.0)}}, "fails", "03_mlp has no experiment xor"),
        ({"03_mlp": {"xor": entry(1.0, data="f01")}}, "fails", "not the same data: f00 and f01"),
        ({"03_mlp": {"xor": entry(1.0, seeds=[0])}}, "fails", "not the same seeds: [0, 1] and [0]"),
        ({"03_mlp": {"xor": entry(1.0, figures={})}}, "fails", "03_mlp/xor did not record train/accuracy"),
        ({"03_mlp": {"xor": entry(1.0, claims=[{"holds": False}])}}, "fails", "a claim of 03_mlp/xor does not hold"),
    ],
)
def test_a_link_holds_where_the_successor_does_better_on_the_same(there: Any, state: str, why: str) -> None:
    (link,) = links({"01_perceptron": HERE, **there})
    assert (link.state, link.why) == (state, why)


@pytest.mark.parametrize(("at_least", "state"), [(0.5, "holds"), (0.6, "fails")])
def test_a_link_may_say_by_how_much(at_least: float, state: str) -> None:
    wanted = {"experiment": "03_mlp/xor", "metric": "train/accuracy", "at_least": at_least}
    (link,) = links({"01_perceptron": {"xor": entry(0.5) | {"successor": wanted}}, "03_mlp": {"xor": entry(1.0)}})
    assert link.state == state


def test_of_a_loss_the_lower_one_is_better() -> None:
    wanted = {"experiment": "03_mlp/xor", "metric": "train/loss", "at_least": None}
    loss = {"train/loss": {"seeds": [1.0], "mean": 1.0, "sd": None}}
    low = {"train/loss": {"seeds": [0.1], "mean": 0.1, "sd": None}}
    found = {"01_a": {"xor": entry(figures=loss) | {"successor": wanted}}, "03_mlp": {"xor": entry(figures=low)}}
    assert [link.state for link in links(found)] == ["holds"]


def test_a_claim_that_fails_is_said_with_the_first_place_where() -> None:
    broken = {"holds": False, "violations": ["seed 0: a/b is 1, claimed at most 0, off by 1", "seed 1: and so on"]}
    assert failures("01_a/xor", {"claims": [broken]}) == [
        "01_a/xor: seed 0: a/b is 1, claimed at most 0, off by 1 (and 1 more)"
    ]


# Documents ----------------------------------------------------------------------------------------------------------

ROADMAP = "| Module | Chapters |\n|---|---|\n| 0 Before | 00 tape |\n| 1 Toys | 01 toy, 02 ball |\n"
MARKED = "before\n<!-- results -->\nold\n<!-- end results -->\nafter\n"


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    clone = ToyClone(tmp_path)
    folder = clone.add_chapter("01_toy")
    write(folder / "results.json", {"xor": entry(0.25, "03_mlp/xor", variants={"n=1": entry()["figures"]})})
    clone.write("README.md", MARKED + "<!-- map -->\n<!-- end map -->\n<!-- chapters -->\n<!-- end chapters -->\n")
    clone.write("ROADMAP.md", ROADMAP)
    clone.write("EXPERIMENTS.md", MARKED)
    clone.write("models/01_toy/README.md", MARKED)
    return clone


def test_only_what_is_between_the_markers_is_replaced(clone: ToyClone) -> None:
    marked = [text for path, text in documents(clone.project).items() if path.name != "ROADMAP.md"]
    for text in marked:
        assert text.startswith("before\n<!-- results -->\n\n")
        assert "<!-- end results -->\nafter\n" in text
        assert "\nold\n" not in text


def test_the_documents_tell_what_was_measured_and_what_a_person_added(clone: ToyClone) -> None:
    file = clone.root / "models/01_toy/config/experiment/xor.yaml"
    file.write_text(file.read_text() + "notes: {changes: first, observations: It jumps., next: look}\n")
    root, _, experiments, chapter = documents(clone.project).values()
    assert "| [01_toy](models/01_toy/README.md) | `xor` | train/accuracy 0.25 | 1 of 1 |" in root
    assert "| 01 | [Toy](models/01_toy/README.md) | One & Two 1958 |" in root
    assert 'c01 -.->|"xor"| c03' in root
    assert "| `xor` | `train/accuracy`; every seed | order | 0.5 | at most 0.75 | yes |" in chapter
    assert "- **Date:** 2026-01-02\n- **Goal:** No line can do it.\n" in experiments
    assert "- **Observations:** It jumps.\n- **Next step:** look" in experiments
    assert "  | `n=1` | 0.5 |" in experiments


def test_a_chapter_whose_experiments_have_different_seeds_says_both(clone: ToyClone) -> None:
    results = {"xor": entry(0.25), "xor-width": entry(0.25, seeds=list(range(10)))}
    write(clone.root / "models/01_toy/results.json", results)
    assert "Seeds 0 to 9 and 0, 1, one thread" in documents(clone.project)[clone.root / "models/01_toy/README.md"]


def test_an_experiment_without_results_says_how_to_get_them(clone: ToyClone) -> None:
    (clone.root / "models/01_toy/results.json").unlink()
    root, _, experiments = documents(clone.project).values()
    assert "none yet; `scratch reproduce 01` writes them" in experiments
    assert "xor" not in root


def test_a_document_without_markers_is_refused(clone: ToyClone) -> None:
    clone.write("EXPERIMENTS.md", "nothing\n")
    with pytest.raises(InputError, match="needs the lines <!-- results --> and <!-- end results -->, once each"):
        documents(clone.project)


def test_modules_are_those_of_the_roadmap(clone: ToyClone) -> None:
    modules = clone.project.modules()
    assert {number: (title, [each.name for each in found]) for number, (title, found) in modules.items()} == {
        0: ("Before", []),
        1: ("Toys", ["01_toy"]),
    }


def test_the_roadmap_shows_the_chapters_that_there_are_in_bold(clone: ToyClone) -> None:
    text = documents(clone.project)[clone.root / "ROADMAP.md"]
    assert text == ROADMAP.replace("01 toy", "**01 Toy**")
