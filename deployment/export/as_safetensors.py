"""safetensors: `model.safetensors`, `config.yaml` and `description.json`, for the chapter's own code.

Other programs read the weights alone, by `safetensors.torch.load_file`.
"""

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from inference.chapter import load_chapter
from inference.predictor import Predictor
from utils.errors import InputError

FILE = "model.safetensors"
USE = """\
from pathlib import Path

import torch

from deployment.export.as_safetensors import load

predictor = load(Path("model.safetensors"), Path("{chapter}"))
outputs = predictor.outputs(torch.zeros({shape}))
"""
CONFIG = "config.yaml"
DESCRIPTION = "description.json"


def write(predictor: Predictor, folder: Path) -> Path:
    """Write the weights with where they come from, and beside them the config and what the data was."""
    weights = predictor.pipeline.model.state_dict()
    path = folder / FILE
    content = save(
        {name: values.cpu().clone(memory_format=torch.contiguous_format) for name, values in weights.items()},
        metadata={
            "chapter": predictor.chapter.folder.name,
            "run_id": predictor.run_id,
            "step": str(predictor.step),
            "signature": predictor.signature.digest(),
            "metrics": json.dumps(predictor.metrics),
        },
    )
    path.write_bytes(content)
    config = predictor.config.model_dump(mode="json")
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    (folder / DESCRIPTION).write_text(json.dumps(predictor.data.model_dump(mode="json"), indent=2) + "\n", "utf-8")
    return path


def load(path: Path, chapter: Path) -> Predictor:
    """The predictor that was exported to `path`, which has the other two files beside it.

    Args:
        path: The file with the weights.
        chapter: The folder of the chapter that it was exported from.

    Raises:
        InputError: A file is missing or damaged, or is from another chapter.
    """
    try:
        with safe_open(path, framework="pt") as file:
            origin = file.metadata() or {}
            names = file.keys()
            weights = {name: file.get_tensor(name) for name in names}
        config = yaml.safe_load((path.parent / CONFIG).read_text("utf-8"))
        data = json.loads((path.parent / DESCRIPTION).read_text("utf-8"))
        metrics = json.loads(origin.get("metrics", "{}"))
    except OSError as error:
        raise InputError(f"cannot read {error.filename or path}: {error.strerror or error}") from None
    except (SafetensorError, yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path.parent} holds no whole export: {error}; export it again") from None
    if origin.get("chapter") != chapter.resolve().name:
        raise InputError(f"{path} is from chapter {origin.get('chapter')}, not from {chapter.resolve().name}")
    content: dict[str, Any] = {
        "run_id": origin.get("run_id"),
        "step": origin.get("step", 0),
        "config": config,
        "data": data,
        "latest": metrics,
        "model": weights,
        "average": None,
    }
    return Predictor(load_chapter(chapter), content, str(path))
