"""What stands between a version and its use: claims, measures, export and signature, all looked at anew."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_utils import load
from data_utils.splits import Splits
from deployment.export.agreement import MOST, largest_difference
from deployment.export.as_onnx import FILE
from deployment.registry.bundle import RECORD, SIGNATURE
from deployment.registry.manifest import CHECKPOINT
from deployment.registry.staleness import is_stale
from engine.claims.claim import Claim, Record
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluator
from engine.runs.metrics_log import read_rows
from experiment.compose import compose_experiment
from experiment.differences import changed_settings
from experiment.reproduce.results import RESULTS, failures, read
from inference.predictor import Predictor
from utils.errors import ScratchError
from utils.seeds import seed_everything

_RELATIVE, _ABSOLUTE = 1e-4, 1e-6  # other hardware changes last digits


def reasons(chapter: Path, bundle: Path) -> list[str]:
    """Why the model in `bundle`, whose files are verified, may not be used; empty if it may.

    Args:
        chapter: The chapter's folder, which has its code and its `results.json`.
        bundle: The folder.
    """
    try:
        predictor = Predictor.from_checkpoint(chapter, str(bundle / CHECKPOINT))
    except ScratchError as error:
        return [f"the checkpoint cannot be used with this clone: {error}"]
    record = read_rows(bundle / RECORD)
    found: list[str] = []
    for gate in (
        lambda: _settings(chapter, predictor),
        lambda: _results(chapter, predictor),
        lambda: _measures_and_claims(chapter, predictor, record),
        lambda: _export(predictor, bundle / FILE),
        lambda: _signature(predictor, bundle / SIGNATURE),
    ):
        found += _said(gate)
    return found


def _said(gate: Callable[[], list[str]]) -> list[str]:
    """What a gate finds; where it cannot even look, the reason for that."""
    try:
        return gate()
    except ScratchError as error:
        return [str(error)]


def _settings(chapter: Path, predictor: Predictor) -> list[str]:
    """Whether the model was made as its experiment says, which is what the claims are about."""
    changed = changed_settings(predictor.config, chapter, predictor.chapter.model_config)
    said = "its claims say nothing about this model; make it an experiment of its own"
    return [f"{'; '.join(changed)} in experiment {predictor.config.experiment}: {said}"] if changed else []


def _results(chapter: Path, predictor: Predictor) -> list[str]:
    """Whether every claim of the experiment was found to hold on all its seeds, on this data and by this code."""
    experiment = predictor.config.experiment
    title, entry = f"{chapter.name}/{experiment}", read(chapter / RESULTS).get(experiment)
    again = f"`scratch reproduce {chapter.name.split('_')[0]} --experiment {experiment}`"
    if entry is None:
        return [f"{title} is not in {RESULTS}; {again} checks its claims on all their seeds"]
    if entry["data"] != predictor.data.fingerprint:
        return [
            f"{RESULTS} of {title} is about data {entry['data']}, the model learned from {predictor.data.fingerprint}"
        ]
    if is_stale(chapter, experiment, entry):
        return [f"{RESULTS} of {title} is older than its code, settings or claims; {again} brings it up to date"]
    return [f"{RESULTS} has a claim that does not hold: {failure}" for failure in failures(title, entry)]


def _measures_and_claims(chapter: Path, predictor: Predictor, record: Record) -> list[str]:
    """Whether the checkpoint measures what its run recorded, and the run bears out what one run can."""
    splits = load(predictor.config.data)
    if splits.fingerprint != predictor.data.fingerprint:
        return [
            f"the data is another one now: {splits.fingerprint}, the model learned from {predictor.data.fingerprint}"
        ]
    measured = _measure(predictor, splits)
    recorded = {name: value for row in record if row["step"] == predictor.step for name, value in row.items()}
    common = [name for name in measured if name in recorded]
    wrong = [
        f"{name} of the checkpoint is {measured[name]:.6g}, but its run recorded {recorded[name]:.6g}"
        for name in common
        if not math.isclose(measured[name], recorded[name], rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    ]
    if not common:
        wrong = [f"the run recorded nothing at step {predictor.step}, the checkpoint's, that could be measured again"]
    tested = {name: value for name, value in measured.items() if name.startswith("test/")}
    rows = [*record, {"step": predictor.step, **tested}]
    return wrong + [line for claim in _claims(chapter, predictor) for line in _violations(claim, predictor, rows)]


def _measure(predictor: Predictor, splits: Splits) -> dict[str, float]:
    """Split and metric to value, as trainings and `scratch evaluate` measure them."""
    config: Any = predictor.config
    seed_everything(config.seed)
    hardware = Hardware(config.hardware.model_copy(update={"device": "cpu", "strategy": "none"}))
    evaluator = Evaluator(hardware, config.trainer.metrics, config.trainer.batch_size, splits.n_classes)
    names = [*config.trainer.evaluate_on, *(["test"] if splits.test is not None else [])]
    return {
        f"{name}/{metric}": value
        for name in dict.fromkeys(names)
        for metric, value in evaluator.evaluate(predictor.pipeline.model, splits.split(name)).metrics.items()
    }


def _claims(chapter: Path, predictor: Predictor) -> list[Claim]:
    """The claims that the chapter makes today and that one run can be held against."""
    config = compose_experiment(chapter, predictor.config.experiment, [], predictor.chapter.model_config)
    return [
        claim
        for claim in config.claims
        if claim.over.startswith("every seed") and claim.minus is None and claim.across is None
    ]


def _violations(claim: Claim, predictor: Predictor, rows: Record) -> list[str]:
    try:
        return [f"a claim does not hold: {said}" for said in claim.violations({predictor.config.seed: rows})]
    except ValueError as error:
        return [f"a claim about {claim.metric} cannot be checked: {error}"]


def _export(predictor: Predictor, exported: Path) -> list[str]:
    try:
        difference = largest_difference(predictor, exported)
    except Exception as error:  # onnxruntime has many types for a file that it cannot run
        return [f"{exported.name} cannot be run: {error}"]
    if difference <= MOST:
        return []
    return [f"{exported.name} differs from the checkpoint by {difference:.3g}, more than {MOST:g}"]


def _signature(predictor: Predictor, path: Path) -> list[str]:
    """Whether the chapter's code still takes and gives what it did when the version was registered."""
    registered, now = json.loads(path.read_text(encoding="utf-8")), predictor.signature.model_dump(mode="json")
    changed = [name for name in now if now[name] != registered.get(name)]
    said = f"the chapter's code has another signature by now ({', '.join(changed)}); register the run again"
    return [said] if changed else []
