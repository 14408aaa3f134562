"""The same seed gives the same bits, twice, in processes of their own, for every chapter there is."""

from pathlib import Path

import pytest
import yaml

from cli.chapters import Chapter, Project
from data_utils.cards import get_card
from engine.comparison import differences, fingerprint
from engine.run import Folders, run_ids
from tests.doubles.scripts import finish, start

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = Project(ROOT).chapters()
pytestmark = pytest.mark.timeout(300)


def first_experiment(chapter: Chapter) -> str:
    return min(path.stem for path in (chapter.folder / "config/experiment").glob("*.yaml"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[chapter.name for chapter in CHAPTERS])
def test_the_same_seed_gives_the_same_bits_in_another_process(
    chapter: Chapter, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = first_experiment(chapter)
    config = yaml.safe_load((chapter.folder / f"config/experiment/{experiment}.yaml").read_text())
    if get_card(config["data"]["name"]).files:
        request.getfixturevalue("dataset_mirror")
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path / "data"))
    script = (chapter.folder / "src/train.py", "--experiment", experiment, "--seed", 7)
    quiet = ("trainer.duration=5 steps", "tracking.wandb.enabled=false", "tracking.tensorboard=false")
    made = [tmp_path / "first", tmp_path / "second"]
    for outputs in made:  # one after the other: the second finds the splits that the first has recorded
        ended = finish(start(*script, "--outputs", outputs, *quiet), seconds=None)
        assert ended.code == 0, ended.stderr
    first, second = (fingerprint(Folders.of(outputs, *run_ids(outputs))) for outputs in made)
    assert "model in model_last.pt" in first
    assert differences(first, second) == []
