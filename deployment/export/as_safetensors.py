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

from inference.chapter import ServedChapter, load_chapter
from inference.predictor import Predictor
from utils import plain_yaml
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
    origin = {
        "chapter": predictor.chapter.folder.name,
        "run_id": predictor.run_id,
        "step": predictor.step,
        "signature": predictor.signature.digest(),
        "metrics": predictor.metrics,
    }
    content = save(
        {name: values.cpu().clone(memory_format=torch.contiguous_format) for name, values in weights.items()},
        metadata={"origin": json.dumps(origin)},  # the library writes several keys in any order
    )
    path.write_bytes(content)
    config = predictor.config.model_dump(mode="json")
    (folder / CONFIG).write_text(plain_yaml.dumps(config), "utf-8")
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
    return read(path, load_chapter(chapter))


def read(path: Path, chapter: ServedChapter) -> Predictor:
    """As `load`, for a chapter that is imported already."""
    try:
        with safe_open(path, framework="pt") as file:
            origin = json.loads(file.metadata()["origin"])
            names = file.keys()
            weights = {name: file.get_tensor(name) for name in names}
        config = yaml.safe_load((path.parent / CONFIG).read_text("utf-8"))
        data = json.loads((path.parent / DESCRIPTION).read_text("utf-8"))
        content: dict[str, Any] = {
            **{key: origin[key] for key in ("chapter", "run_id", "step")},
            "latest": origin["metrics"],
            "config": config,
            "data": data,
            "model": weights,
            "average": None,
        }
    except OSError as error:
        raise InputError(f"cannot read {error.filename or path}: {error.strerror or error}") from None
    except (SafetensorError, yaml.YAMLError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path.parent} holds no whole export ({error}); export it again") from None
    if content["chapter"] != chapter.folder.name:
        raise InputError(f"{path} is from chapter {content['chapter']}, not from {chapter.folder.name}")
    return Predictor(chapter, content, str(path))
