"""The forms that a trained model can take, and how each is loaded again.

| form | files | loaded by | which needs |
|---|---|---|---|
| `onnx` | `model.onnx` | `onnxruntime.InferenceSession(path)`, `as_onnx.OnnxModel(path)` | onnxruntime |
| `torch` | `model.pt2` | `torch.export.load(path).module()` | torch |
| `safetensors` | `model.safetensors`, `config.yaml`, `description.json` | `as_safetensors.load(path, chapter)` | it |
| `triton` | `<chapter>/config.pbtxt`, `1/model.py`, `1/model.onnx` | `scratch tritonserver FOLDER` | Triton |

All but safetensors hold the whole computation, from raw numbers in the units of the data to named outputs: the `x` and
the outputs of `predictor.signature`, with a batch of any length in front.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import Tensor

from deployment.export import as_onnx, as_safetensors, as_torch, as_triton
from deployment.export.names import FORMS
from inference.predictor import Predictor
from utils.errors import unknown


def export(predictor: Predictor, form: str, folder: Path, triton_backend: str = "python") -> Path:
    """Write a model in one of the `FORMS`; `deployment.export.agreement.check` tells whether it came out right.

    Args:
        predictor: The model.
        form: Its name.
        folder: Gets the files; it exists.
        triton_backend: What runs a Triton model: one of `TRITON_BACKENDS`.

    Returns:
        The file, or the folder of a Triton model.

    Raises:
        InputError: There is no such form or backend, or the model is too large for it.
        RunError: The chapter cannot be exported.
    """
    if form not in FORMS:
        raise unknown("format", form, FORMS)
    write: dict[str, Callable[[Predictor, Path], Path]] = {
        "onnx": as_onnx.write,
        "torch": as_torch.write,
        "safetensors": as_safetensors.write,
        "triton": partial(as_triton.write, backend=triton_backend),
    }
    return write[form](predictor, folder)


def read(exported: Path, predictor: Predictor) -> Callable[[Tensor], dict[str, Tensor]]:
    """What `export` returned, loaded again: raw inputs [batch, *shape] to outputs by their names.

    Args:
        exported: The file, or the folder of a Triton model, whose ONNX file is asked without the server.
        predictor: What was exported; only safetensors needs it, for the chapter's code.
    """
    if exported.is_dir():
        return as_onnx.OnnxModel(exported / "1" / as_onnx.FILE)
    if exported.suffix == ".onnx":
        return as_onnx.OnnxModel(exported)
    if exported.suffix == ".pt2":
        return as_torch.read(exported)
    return as_safetensors.read(exported, predictor.chapter).outputs
