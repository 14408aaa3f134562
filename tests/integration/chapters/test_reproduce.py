"""`scratch reproduce` and `scratch compare` on a chapter of their own, from the first training to the documents."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from deployment.registry.staleness import is_stale
from tests.doubles.bench import NETWORK
from tests.doubles.scripts import Ended, call
from tests.doubles.toy_clone import REPOSITORY, ToyClone

pytestmark = pytest.mark.timeout(200)

CLAIMS = [
    {
        "kind": "measured",
        "metric": "validation/accuracy",
        "at_least": 0.6,
        "over": "mean over seeds, last epoch",
        "because": "the two clouds are three standard deviations apart",
    },
    {
        "kind": "order",
        "metric": "train/loss",
        "at_most": -0.01,
        "over": "mean over seeds, last epoch",
        "minus": {"settings": {"optimizer.lr": 0.001}},
        "because": "with a hundredth of the rate it has hardly begun to fall",
    },
]
MARKERS = "<!-- results -->\n<!-- end results -->\n"


class Chapter:
    """A clone with one chapter, whose experiment `blobs` has claims and five seeds."""

    def __init__(self, root: Path) -> None:
        self.clone = ToyClone(root)
        self.folder = self.clone.add_chapter("90_logistic")
        for package in ("engine", "data_utils", "config", "plotting"):
            shutil.copytree(REPOSITORY / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("src", "config"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(NETWORK / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.clone.write(
            "README.md", f"{MARKERS}{MARKERS.replace('results', 'map')}{MARKERS.replace('results', 'chapters')}"
        )
        self.clone.write("EXPERIMENTS.md", MARKERS)
        self.clone.write("ROADMAP.md", "")
        self.clone.write("models/90_logistic/README.md", MARKERS)
        self.change(seeds=[0, 1, 2, 3, 4], claims=CLAIMS)

    def change(self, **changes: object) -> None:
        file = self.folder / "config/experiment/blobs.yaml"
        content = yaml.safe_load(file.read_text()) | changes
        file.write_text("# @package _global_\n" + yaml.safe_dump(content))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(self.clone.root / "scratch"), "reproduce", "90", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.clone.environment(),
        )

    def reproduce(self, *arguments: str) -> Ended:
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=180)
        return Ended(process.returncode, stdout, stderr)

    @property
    def results(self) -> dict[str, object]:
        content: dict[str, object] = json.loads((self.folder / "results.json").read_text())["blobs"]
        return content


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    return Chapter(tmp_path_factory.mktemp("clone") / "root")


def trained(stderr: str) -> int:
    return sum(line.startswith("[") for line in stderr.splitlines())


# The tests below go on from each other's results, in their order.


def test_a_call_that_is_stopped_leaves_no_process_behind(chapter: Chapter) -> None:
    process = chapter.start()
    assert process.stderr is not None
    assert process.stderr.readline().startswith("[1/10] 90_logistic/blobs")
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in stderr
    assert serving(chapter.folder) == []
    assert not (chapter.folder / "results.json").exists()


def test_the_next_call_goes_on_with_what_was_finished(chapter: Chapter) -> None:
    finished = len(list((chapter.folder / "outputs/reproduced").iterdir()))
    done = chapter.reproduce()
    assert done.code == 0, done.stdout + done.stderr
    assert finished + trained(done.stderr) == 10  # five seeds, and five of the other rate
    assert "2 of 2 claims hold" in done.stdout
    assert "90_logistic/blobs  train/loss less that of the same with optimizer.lr=0.001" in done.stdout
    assert chapter.results["seeds"] == [0, 1, 2, 3, 4]
    assert "test/accuracy" in chapter.results["figures"]  # type: ignore[operator]
    for name in ("README.md", "EXPERIMENTS.md", "models/90_logistic/README.md"):
        assert "validation/accuracy" in (chapter.clone.root / name).read_text() or name == "README.md"


def test_an_experiment_that_does_not_exist_is_one_line(chapter: Chapter) -> None:
    refused = chapter.reproduce("--experiment", "blob")
    assert refused.code == 2
    assert refused.stderr == "error: unknown experiment of 90_logistic 'blob', did you mean 'blobs'?; known: blobs\n"


def test_what_has_not_changed_is_not_trained_again(chapter: Chapter) -> None:
    done = chapter.reproduce()
    assert done.code == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "unchanged since" in line]
    assert trained(done.stderr) == 0


def test_results_are_stale_where_claims_or_code_have_changed(chapter: Chapter) -> None:
    def stale(entry: dict[str, object]) -> bool:
        return is_stale(chapter.folder, "blobs", entry)

    assert not stale(chapter.results)
    assert stale(chapter.results | {"versions": {"torch": "2.11.0"}})  # it is held against its own versions
    chapter.change(claims=CLAIMS[:1])
    assert stale(chapter.results)
    chapter.change(claims=CLAIMS)
    for file, expected in {
        "models/90_logistic/src/model.py": True,
        "engine/loop/optimizers.py": True,
        "engine/tracking/worker.py": False,
        "engine/evaluation/plots.py": False,
        "plotting/style.py": False,
    }.items():
        path = chapter.clone.root / file
        before = path.read_text()
        path.write_text(f"{before}\nANOTHER = 1\n")
        assert stale(chapter.results) == expected, file
        path.write_text(before)


def test_a_claim_that_fails_is_named_with_how_far_it_is_off(chapter: Chapter) -> None:
    wrong = {**CLAIMS[0], "at_least": 1.5}
    chapter.change(claims=[*CLAIMS, wrong])
    done = chapter.reproduce()
    assert done.code == 1
    assert trained(done.stderr) == 0  # a claim is held against the runs that there are
    assert "FAILS  90_logistic/blobs: mean over 5 seeds: validation/accuracy is 0." in done.stdout
    assert "claimed at least 1.5, off by 0." in done.stdout
    assert "2 of 3 claims hold" in done.stdout
    assert chapter.reproduce().code == 1  # it still fails where nothing has changed
    chapter.change(claims=CLAIMS)
    assert chapter.reproduce().code == 0


def test_other_seeds_are_tried_and_not_written(chapter: Chapter) -> None:
    before = (chapter.folder / "results.json").read_bytes()
    done = chapter.reproduce("--seeds", "7")
    assert "claims hold" in done.stdout
    assert trained(done.stderr) == 2
    assert (chapter.folder / "results.json").read_bytes() == before


def test_a_run_of_the_record_is_that_of_the_script(chapter: Chapter) -> None:
    ended = call(
        *(chapter.folder / "src/train.py", "--experiment", "blobs", "--seed", "3", "--no-wandb"),
        *("hardware.threads=1", "--outputs", chapter.folder / "alone"),
        env={"PYTHONPATH": str(chapter.clone.root)},
    )
    assert ended.code == 0, ended.stderr
    (alone,) = (chapter.folder / "alone/models").iterdir()
    last = json.loads((alone / "metrics.json").read_text())["last"]
    figures: dict[str, dict[str, list[float]]] = chapter.results["figures"]  # type: ignore[assignment]
    for metric, value in last.items():
        assert figures[metric]["seeds"][3] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(("overrides", "code"), [((), 0), (("optimizer.lr=1.0",), 1)])
def test_a_new_seed_is_inside_the_band_and_ten_times_the_rate_is_not(
    chapter: Chapter, overrides: tuple[str, ...], code: int
) -> None:
    known = set((chapter.folder / "outputs/models").iterdir())
    arguments = ("train", "90", "--experiment", "blobs", "--seed", "7", "--no-wandb", *overrides)
    assert chapter.clone.scratch(*arguments).returncode == 0
    (new,) = set((chapter.folder / "outputs/models").iterdir()) - known
    done = chapter.clone.scratch("compare", new.name)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("relative to its start leaves the band at step 6: 0." in done.stdout) == bool(code)
    assert (chapter.folder / "outputs/visualizations" / new.name / "band.png").read_bytes().startswith(b"\x89PNG")


def test_mistakes_are_one_line_each(chapter: Chapter) -> None:
    for arguments, part in {
        ("reproduce",): "name a chapter",
        ("reproduce", "90", "--links"): "give it alone",
        ("reproduce", "--module", "3"): "unknown module",
        ("reproduce", "90", "--seeds", "x"): "no list of seeds",
        ("reproduce", "90", "--seeds", "4-0"): "from the smaller to the larger",
        ("compare", "no-such-run"): "there is no run 'no-such-run' in the outputs of the chapters",
    }.items():
        done = chapter.clone.scratch(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert part in done.stderr


def test_a_run_that_fails_is_a_problem_of_its_experiment(chapter: Chapter) -> None:
    chapter.change(optimizer={"lr": 1e30}, claims=CLAIMS[:1], seeds=[0, 1])
    done = chapter.reproduce()
    assert done.code == 1
    assert "FAILS  90_logistic/blobs: 90_logistic/blobs seed 0 failed: the " in done.stdout


def serving(folder: Path) -> list[str]:
    """The processes of the chapter that still answer, once those that were told to end had a moment."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        found = [line for line in listed.splitlines() if f"{folder}/src/train.py --serve" in line]
        if not found:
            break
        time.sleep(0.1)
    return found
