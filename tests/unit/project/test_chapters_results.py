"""What every chapter owes its reader: goals, reasons, results that hold, and documents that say the same."""

from pathlib import Path

import pytest

from engine.claims.claim import Claim
from engine.claims.notes import Notes
from experiment.reproduce.documents import all_results, documents
from experiment.reproduce.headers import headers
from experiment.reproduce.results import RESULTS, describe, read
from experiment.reproduce.successors import links
from project.chapters import Chapter, Project
from utils.schema import validate

PROJECT = Project(Path(__file__).resolve().parents[3])

chapters = pytest.mark.parametrize("chapter", PROJECT.chapters(), ids=lambda chapter: chapter.name)


@chapters
def test_every_experiment_has_a_goal_seeds_and_notes_and_every_claim_a_reason(chapter: Chapter) -> None:
    for experiment in chapter.experiments():
        assert experiment.goal, experiment.name
        assert experiment.content["seeds"], experiment.name
        validate(Notes, experiment.content.get("notes"), f"notes of {chapter.name}/{experiment.name}")
        for claim in experiment.content["claims"]:
            assert validate(Claim, claim, experiment.name).because


@chapters
def test_the_results_are_of_these_experiments_and_claims_and_all_hold(chapter: Chapter) -> None:
    results = read(chapter.folder / RESULTS)
    assert sorted(results) == [experiment.name for experiment in chapter.experiments()], "scratch reproduce writes them"
    for experiment in chapter.experiments():
        entry = results[experiment.name]
        claims = [describe(Claim(**claim)) for claim in experiment.content["claims"]]
        assert [claim["says"] for claim in entry["claims"]] == claims, f"{experiment.name}: run scratch reproduce"
        assert [line for claim in entry["claims"] for line in claim["violations"]] == []
        assert entry["seeds"] == experiment.content["seeds"]


@pytest.mark.parametrize("path", documents(PROJECT), ids=lambda path: str(path.relative_to(PROJECT.root)))
def test_a_document_says_what_the_results_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents(PROJECT)[path], "scratch reproduce writes it"


@chapters
def test_an_experiment_says_its_command_and_how_long_it_takes(chapter: Chapter) -> None:
    wanted = {
        path: text for path, text in headers(PROJECT, all_results(PROJECT)).items() if chapter.folder in path.parents
    }
    assert wanted
    assert {path: path.read_text() for path in wanted} == wanted, "scratch reproduce writes it"


def test_no_link_to_a_successor_is_broken() -> None:
    found = links(all_results(PROJECT))
    assert [f"{link.here} to {link.there}: {link.why}" for link in found if link.state == "fails"] == []
    said = {
        f"{chapter.name}/{experiment.name}"
        for chapter in PROJECT.chapters()
        for experiment in chapter.experiments()
        if experiment.content.get("successor")
    }
    assert {link.here for link in found} == said


def test_every_chapter_is_in_the_module_that_it_names() -> None:
    of = {chapter.name: title for title, chapters in PROJECT.modules().values() for chapter in chapters}
    assert of == {chapter.name: chapter.constants()["MODULE"] for chapter in PROJECT.chapters()}
