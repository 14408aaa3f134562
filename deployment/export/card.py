"""The model card: what a trained model is, what it was measured to do, what it cannot do, and how to use it."""

import json
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data_utils.cards import DatasetCard, get_card
from data_utils.cards.markdown import details
from deployment.export import as_onnx, as_safetensors, as_torch, as_triton
from deployment.export.card_header import header, project_license
from experiment.differences import changed_settings, settings
from inference.predictor import Predictor
from project.chapters import Chapter
from utils.errors import InputError
from utils.files import sha256_of

FILE = "MODEL_CARD.md"
_PACKAGES = ("torch", "numpy", "onnx", "onnxruntime", "safetensors")
_FENCE = "```"
_HYPERPARAMETERS = ("model", "trainer", "optimizer", "optimizers", "scheduler")


def model_card(predictor: Predictor, folder: Path) -> str:
    """The card of a model, in Markdown; the same for the same model and files.

    Args:
        predictor: The model.
        folder: Holds its exports, whose digests are listed and whose use is explained.
    """
    chapter = Chapter(predictor.chapter.folder)
    says, dataset = chapter.constants(), get_card(predictor.data.name)
    sections = [
        [header(predictor, dataset).rstrip()],
        [f"# Model card: {says['TITLE']}, `{predictor.config.experiment}`", "", predictor.config.goal],
        ["## What it is", "", *_facts(predictor, says)],
        ["## Settings", "", *_settings(predictor)],
        ["## Intended use", "", *_use(says)],
        ["## Inputs and outputs", "", *_inputs_and_outputs(predictor)],
        ["## How to load it", "", *_loading(predictor, folder)],
        ["## Data", "", f"{dataset.title}: {dataset.contents}.", "", *details(dataset)],
        ["## Metrics", "", *_metrics(predictor)],
        ["## Claims", "", *_claims(chapter, predictor.config.experiment)],
        ["## What it cannot do", "", *_limits(chapter)],
        ["## Licence", "", *_licence(dataset)],
        ["## Files", "", *_files(folder)],
        ["## Versions", "", f"Made with Python {platform.python_version()}, {', '.join(_versions())}."],
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _facts(predictor: Predictor, says: dict[str, Any]) -> list[str]:
    config, parameters = predictor.config, list(predictor.pipeline.model.parameters())
    facts = {
        "Chapter": predictor.chapter.folder.name,
        "Paper": _paper(says),
        "Experiment": f"{config.experiment}, seed {config.seed}",
        "Run": f"{predictor.run_id}, step {predictor.step}",
        "Size": f"{sum(p.numel() for p in parameters)} parameters, {sum(p.nbytes for p in parameters)} bytes",
        "Data": f"{predictor.data.name}, fingerprint {predictor.data.fingerprint}",
        "Signature": predictor.signature.digest(),
    }
    if any(tag.startswith("pruned-") for tag in config.tags):
        zeros = sum(int((p == 0).sum()) for p in parameters)
        facts["Pruned"] = f"{zeros} parameters were set to zero, and the rest was trained on"
    return _table(("", ""), facts.items())


def _settings(predictor: Predictor) -> list[str]:
    """What the model was made with, and what of it is not as its experiment has it."""
    config, chapter = predictor.config, predictor.chapter
    try:
        changed = changed_settings(config, chapter.folder, chapter.model_config)
        said = [f"Changed against the experiment: {'; '.join(changed)}."] if changed else ["Those of the experiment."]
    except InputError:  # it is no longer there
        said = ["The chapter has no such experiment any more."]
    made_of = {key: value for key, value in settings(config).items() if key in _HYPERPARAMETERS and value}
    rows = [(f"`{key}`", f"`{json.dumps(value)}`") for key, value in _flat(made_of)]
    return [*said, "", *_table(("setting", "value"), rows)]


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _paper(says: dict[str, Any]) -> str:
    authors = f"{says['AUTHORS']}: " if says["AUTHORS"] else ""
    address = f" <{says['URL']}>" if says["URL"] else ""
    return f"{authors}{says['PAPER']}, {says['YEAR']}.{address}"


def _use(says: dict[str, Any]) -> list[str]:
    return [
        f"To learn what the method of {says['YEAR']} does, and to try how a model is served, with one that is small",
        "enough to understand. It was not made for decisions about people, nor for any use where an error does harm.",
    ]


def _inputs_and_outputs(predictor: Predictor) -> list[str]:
    signature, data = predictor.signature, predictor.data
    tensors = [("input", spec) for spec in signature.inputs] + [("output", spec) for spec in signature.outputs]
    rows = [
        (what, f"`{spec.name}`", spec.dtype, f"[{', '.join(map(str, ('batch', *spec.shape)))}]")
        for what, spec in tensors
    ]
    lines = [*_table(("", "name", "type", "shape"), rows), ""]
    lines += ["Inputs are in the units of the data: what prepares them is a part of the exported computation."]
    for what, names in (("Columns", data.feature_names), ("Classes", data.class_names), ("Targets", data.target_names)):
        lines += [f"{what}: {', '.join(names)}."] if names else []
    return lines


def _loading(predictor: Predictor, folder: Path) -> list[str]:
    chapter = predictor.chapter.folder
    model = folder / chapter.name
    forms = [
        (folder / as_onnx.FILE, "python", as_onnx.__doc__, as_onnx.USE),
        (folder / as_torch.FILE, "python", as_torch.__doc__, as_torch.USE),
        (folder / as_safetensors.FILE, "python", as_safetensors.__doc__, as_safetensors.USE),
        (model / as_triton.CONFIG, "bash", as_triton.__doc__, as_triton.use(model)),
    ]
    place = {"shape": (1, *predictor.data.input_shape), "chapter": f"models/{chapter.name}"}
    lines: list[str] = []
    for file, language, says, use in forms:
        if file.exists():
            what = (says or "").splitlines()[0]
            lines += ["", what, "", f"{_FENCE}{language}", *use.format(**place).splitlines(), _FENCE]
    return lines[1:]


def _metrics(predictor: Predictor) -> list[str]:
    rows = [(f"`{name}`", f"{value:.6g}") for name, value in predictor.metrics.items()]
    return [f"Measured after step {predictor.step} of the run.", "", *_table(("metric", "value"), rows)]


def _claims(chapter: Chapter, experiment: str) -> list[str]:
    path = chapter.folder / "results.json"
    results = json.loads(path.read_text("utf-8")).get(experiment) if path.is_file() else None
    if results is None:
        return ["None: the claims of this experiment have not been checked with `scratch reproduce`."]
    seeds = ", ".join(map(str, results["seeds"]))
    rows = [
        (claim["says"], claim["kind"], claim["measured"], claim["limit"], "yes" if claim["holds"] else "**no**")
        for claim in results["claims"]
    ]
    return [
        f"Of the experiment, not of this model alone: checked on {results['date']} over runs with the seeds {seeds}.",
        "Measured is the value nearest to the limit.",
        "",
        *_table(("claim about", "kind", "measured", "limit", "holds"), rows),
    ]


def _limits(chapter: Chapter) -> list[str]:
    """What the chapter's README says about it, as plain text: its links lead nowhere from here."""
    path = chapter.folder / "README.md"
    text = path.read_text("utf-8") if path.is_file() else ""
    found = re.search(r"^## What it cannot do\n(.*?)(?=^## |^<!-- results|\Z)", text, re.MULTILINE | re.DOTALL)
    told = re.sub(r"!\[[^]]*]\([^)]*\)", "", found[1] if found else "").strip()
    plain = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", told)
    return [
        *(["Of the method, from the chapter's README:", "", plain, ""] if plain else []),
        "It was trained on one data set. Inputs unlike those get an answer too, and nothing says that they are unlike.",
    ]


def _licence(dataset: DatasetCard) -> list[str]:
    return [f"The model: {project_license()}. The data: {dataset.licence}."]


def _files(folder: Path) -> list[str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILE)
    rows = [(f"`{path.relative_to(folder)}`", path.stat().st_size, f"`{sha256_of(path)}`") for path in files]
    return _table(("file", "bytes", "SHA-256"), rows)


def _versions() -> Iterable[str]:
    return (f"{package} {version(package)}" for package in _PACKAGES)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
