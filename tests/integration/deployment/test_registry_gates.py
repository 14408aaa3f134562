"""What stands between a version and its use: each reason against it really occurs."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml

from deployment.registry import gates
from deployment.registry.bundle import assemble
from deployment.registry.client import Registry, Version
from deployment.registry.lifecycle import promote
from deployment.registry.transactions import add
from engine.checkpoint.file import load_checkpoint, save_checkpoint
from tests.doubles.bench import NETWORK, Bench
from utils.errors import InputError

pytestmark = [pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # in what MLflow uses

Change = Callable[[Path], None]

CLAIMS: list[dict[str, Any]] = [
    {"metric": "train/accuracy", "over": "every seed, last epoch", "at_least": 0.9},
    {"metric": "test/accuracy", "over": "every seed, last epoch", "at_least": 0.9},
    {"metric": "train/loss", "over": "mean over seeds, last epoch", "at_most": -1.0},  # not for one run to say
]


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """The chapter's modules are gone afterwards: those of others have the same names."""
    paths, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = paths
    for name in {"config", "model", "serving"} - modules:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chapter that makes claims, with two experiments; `wide` has data of another shape."""
    folder = tmp_path_factory.mktemp("models") / NETWORK.name
    shutil.copytree(NETWORK, folder)
    experiments = folder / "config/experiment"
    header, _, body = (experiments / "blobs.yaml").read_text().partition("\n")
    content = yaml.safe_load(body)
    content["claims"] = [{"kind": "measured", "because": "a line separates the clouds", **claim} for claim in CLAIMS]
    content["data"]["separation"] = 6.0
    content["trainer"]["duration"] = "10 epochs"
    for name, features in (("blobs", 3), ("wide", 4)):
        content["data"]["features"] = features
        (experiments / f"{name}.yaml").write_text(f"{header}\n{yaml.safe_dump(content)}")
    return folder


@pytest.fixture(scope="module")
def train(chapter: Path) -> Callable[..., str]:
    """Trains an experiment and gives the id of the run."""
    bench = Bench(chapter, chapter / "outputs")

    def one(experiment: str, *overrides: str) -> str:
        return bench.train(bench.run(bench.config(experiment, *overrides))).run.run_id

    return one


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('registry')}/mlflow.db", create=True)


@pytest.fixture(scope="module")
def register(chapter: Path, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Version]:
    """Makes a run a version; with `change`, of a bundle that was changed before it was sealed."""
    made: dict[str, tuple[Path, dict[str, str]]] = {}

    def one(run: str, change: Change = lambda folder: None) -> Version:
        if run not in made:
            folder = tmp_path_factory.mktemp("bundles") / "bundle"
            made[run] = folder, assemble(chapter, chapter / "outputs", run, folder)
        whole, tags = made[run]
        folder = tmp_path_factory.mktemp("changed") / "bundle"
        shutil.copytree(whole, folder)
        change(folder)
        return add(registry, chapter.name, folder, tags)

    return one


@pytest.fixture(scope="module")
def good(train: Callable[..., str]) -> str:
    return train("blobs")


@pytest.fixture(autouse=True)
def results(chapter: Path, good: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The chapter's results: every claim held, on this data, by this code."""
    monkeypatch.setattr(gates, "is_stale", lambda *_: False)
    data = json.loads((chapter / "outputs/models" / good / "metrics.json").read_text())["data"]
    return _say(chapter, data, [])


def _say(chapter: Path, data: str, violations: list[str]) -> Path:
    claims = [{"kind": "measured", "says": "train/accuracy", "measured": "1", "limit": "at least 0.9"}]
    entry = {
        "date": "2026-01-02",
        "seeds": [0],
        "data": data,
        "claims": [{**claim, "holds": not violations, "violations": violations} for claim in claims],
    }
    path = chapter / "results.json"
    path.write_text(json.dumps({"blobs": entry, "wide": entry}))
    return path


def against(registry: Registry, chapter: Path, version: Version, alias: str = "staging") -> list[str]:
    """The reasons against a version."""
    return promote(registry, chapter, str(version.number), alias, new_signature=False)[1]


def test_a_version_that_passes_gets_the_alias_and_the_move_is_recorded(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "someone")
    first, second = register(good), register(good)
    for version in (first, second):
        assert against(registry, chapter, version) == []
    found = registry.resolve(chapter.name, "staging")
    assert found.number == second.number
    (record,) = [json.loads(value) for key, value in found.tags.items() if key.startswith("promotion")]
    assert (record["by"], record["from"], record["new_signature"]) == ("someone", first.number, False)
    assert found.tags["run_id"] == good


def test_a_version_that_has_the_alias_is_left_as_it_is(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str
) -> None:
    version = register(good)
    for _ in range(2):
        assert against(registry, chapter, version, "dev") == []
    tags = registry.resolve(chapter.name, "dev").tags
    assert len([key for key in tags if key.startswith("promotion")]) == 1


def test_a_run_whose_claims_fail_is_refused_with_every_reason(
    registry: Registry, chapter: Path, register: Callable[..., Version], train: Callable[..., str]
) -> None:
    version = register(train("blobs", "optimizer.lr=1e-9"))
    reasons = against(registry, chapter, version)
    assert len(reasons) == 3
    assert reasons[0].startswith("optimizer.lr is 1e-09, not ")
    assert reasons[1].startswith("a claim does not hold: seed 0: train/accuracy is ")
    assert reasons[2].startswith("a claim does not hold: seed 0: test/accuracy is ")
    assert against(registry, chapter, version, "dev") == []  # to try it out, it need not hold


def test_another_configuration_is_refused_and_its_card_says_what_was_changed(
    registry: Registry, chapter: Path, register: Callable[..., Version], train: Callable[..., str], tmp_path: Path
) -> None:
    version = register(train("blobs", "model.hidden=9", "seed=3", "tags=[a]"))
    (reason,) = against(registry, chapter, version, "prod")
    assert reason.startswith("model.hidden is 9, not 4 in experiment blobs")
    card = (registry.fetch(version, tmp_path / "bundle") / "MODEL_CARD.md").read_text()
    assert "model.hidden is 9, not 4" in card
    told = yaml.safe_load(card.split("---\n")[1])
    assert told["license"] and told["datasets"] == ["noisy_blobs"] and "a" in told["tags"]
    (listed,) = told["model-index"]
    assert listed["results"][0]["metrics"]


def test_a_bundle_keeps_no_path_of_this_machine(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str, tmp_path: Path
) -> None:
    bench = Bench(chapter, chapter / "outputs")
    checkpoint = chapter / "outputs/models" / good / "model_last.pt"
    run = bench.run(bench.config("blobs"), load_checkpoint=str(checkpoint))
    bench.train(run)
    folder = registry.fetch(register(run.run_id), tmp_path / "bundle")
    assert json.loads((folder / "metrics.json").read_text())["started_from"] == f"{good}/model_last.pt"
    assert [path.name for path in folder.iterdir() if str(chapter).encode() in path.read_bytes()] == []


def test_results_with_a_claim_that_does_not_hold_on_all_seeds_are_a_reason(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str, results: Path
) -> None:
    version = register(good)
    data = json.loads(results.read_text(encoding="utf-8"))["blobs"]["data"]
    _say(chapter, data, ["seed 3: train/accuracy is 0.5, claimed at least 0.9, off by 0.4"])
    (reason,) = against(registry, chapter, version)
    assert reason.startswith(
        "results.json has a claim that does not hold: 90_logistic/blobs: seed 3: train/accuracy is 0.5"
    )
    _say(chapter, "0" * 16, [])
    (reason,) = against(registry, chapter, version)
    assert reason.startswith(
        "results.json of 90_logistic/blobs is about data 0000000000000000, the model learned from "
    )
    results.write_text("{}", encoding="utf-8")
    (reason,) = against(registry, chapter, version)
    assert reason.startswith("90_logistic/blobs is not in results.json; `scratch reproduce 90 --experiment blobs`")


def test_results_that_are_older_than_the_code_are_a_reason(
    registry: Registry,
    chapter: Path,
    register: Callable[..., Version],
    good: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gates, "is_stale", lambda *_: True)
    (reason,) = against(registry, chapter, register(good))
    assert reason == (
        "results.json of 90_logistic/blobs is older than its code, settings or claims; "
        "`scratch reproduce 90 --experiment blobs` brings it up to date"
    )


def _one_weight(folder: Path) -> None:
    """One weight of the export is another."""
    model = onnx.load(folder / "model.onnx")
    weights = max(model.graph.initializer, key=lambda each: len(each.dims))
    values = onnx.numpy_helper.to_array(weights).copy()
    values.flat[0] += 0.5
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(model, folder / "model.onnx")


def _no_export(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a model")


def _other_weights(folder: Path) -> None:
    """The checkpoint is not the one that was measured; its export is not of it either."""
    content = load_checkpoint(folder / "model.pt")
    name, weights = next(iter(content["model"].items()))
    save_checkpoint(folder / "model.pt", {**content, "model": {**content["model"], name: -weights}})


def _other_step(folder: Path) -> None:
    content = load_checkpoint(folder / "model.pt")
    save_checkpoint(folder / "model.pt", {**content, "step": 7})


def _other_code(folder: Path) -> None:
    """When it was registered, the chapter's classes had other names."""
    signature = json.loads((folder / "signature.json").read_text())
    (folder / "signature.json").write_text(json.dumps(signature | {"class_names": ["left", "right"]}))


def _other_chapter(folder: Path) -> None:
    content = load_checkpoint(folder / "model.pt")
    save_checkpoint(folder / "model.pt", {**content, "chapter": "91_other"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_one_weight, ["model.onnx differs from the checkpoint by 0."]),
        (_no_export, ["model.onnx cannot be run: "]),
        (_other_weights, ["train/loss of the checkpoint is ", "model.onnx differs from the checkpoint by "]),
        (_other_step, ["the run recorded nothing at step 7, the checkpoint's"]),
        (_other_code, ["the chapter's code has another signature by now (class_names); register the run again"]),
        (_other_chapter, ["the checkpoint cannot be used with this clone: checkpoint "]),
    ],
)
def test_a_bundle_whose_parts_do_not_agree_is_refused(
    registry: Registry,
    chapter: Path,
    register: Callable[..., Version],
    good: str,
    change: Change,
    said: list[str],
) -> None:
    reasons = against(registry, chapter, register(good, change))
    for start in said:
        assert any(reason.startswith(start) for reason in reasons), reasons
    assert len(said) > 1 or len(reasons) == 1, reasons


def test_a_bundle_that_was_tampered_with_gets_no_alias_at_all(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str
) -> None:
    version = register(good)
    place = Path(registry.uri.removeprefix("sqlite:///")).parent
    (stored,) = place.rglob(f"{version.run}/artifacts/bundle/config.yaml")
    stored.write_text("seed: 1\n")
    (reason,) = against(registry, chapter, version, "dev")
    assert reason.startswith(f"the bundle of {version}: config.yaml is not what was registered")
    assert registry.resolve(chapter.name, str(version.number)).aliases == ()


def test_another_signature_needs_to_be_allowed_and_is_recorded(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str, train: Callable[..., str]
) -> None:
    former, run = register(good), train("wide")
    assert against(registry, chapter, former, "prod") == []
    _say(chapter, json.loads((chapter / "outputs/models" / run / "metrics.json").read_text())["data"], [])
    version = register(run)
    (reason,) = against(registry, chapter, version, "prod")
    assert f"that of version {former.number}, which prod names now" in reason
    assert reason.endswith("--new-signature allows it")
    assert promote(registry, chapter, str(version.number), "prod", new_signature=True)[1] == []
    found = registry.resolve(chapter.name, "prod")
    assert found.number == version.number
    (record,) = [json.loads(value) for key, value in found.tags.items() if key.startswith("promotion")]
    assert (record["from"], record["new_signature"]) == (former.number, True)
    (reason,) = against(registry, chapter, found, "archived")
    assert reason == "it is prod: let another version be prod first"


@pytest.mark.parametrize(
    ("which", "alias", "said"),
    [
        ("1", "latest", "'latest' is reserved by MLflow"),
        ("1", "production", "unknown alias 'production', did you mean 'prod'"),
        ("0", "dev", "has no version 0"),
        ("-1", "dev", "unknown alias '-1'"),
    ],
)
def test_an_alias_or_a_version_that_is_not_there_is_named(
    registry: Registry, chapter: Path, register: Callable[..., Version], good: str, which: str, alias: str, said: str
) -> None:
    register(good)
    with pytest.raises(InputError, match=said):
        promote(registry, chapter, which, alias, new_signature=False)


def test_a_run_that_did_not_finish_is_not_registered(chapter: Path, good: str, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    shutil.copytree(chapter / "outputs", outputs)
    path = outputs / "models" / good / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "interrupted"}))
    with pytest.raises(InputError, match=f"run {good} is interrupted, and only a finished one can be registered"):
        assemble(chapter, outputs, good, tmp_path / "bundle")
