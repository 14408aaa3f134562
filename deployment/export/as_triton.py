"""Triton Inference Server: a model repository, `<chapter>/config.pbtxt`, `1/model.onnx` and what runs it.

The Python backend runs the ONNX file by onnxruntime, so it needs no backend but the one that is in every Triton. The
onnxruntime backend is Triton's own, and is in NVIDIA's containers.
"""

import shutil
from pathlib import Path

from deployment.export import as_onnx
from deployment.export.names import TRITON_BACKENDS
from inference.predictor import BATCH_SIZE, Predictor
from inference.signature import TensorSpec
from utils.errors import unknown

CONFIG = "config.pbtxt"
_PROGRAM = 'tritonserver --model-repository "$PWD"'
_MODEL = "model.py"  # what the Python backend looks for
_SCRIPT = Path(__file__).with_name("triton_model.py")
_LONGEST_WAIT = 2000  # microseconds that a request waits for others to go with
_TYPES = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "int32": "INT32", "bool": "BOOL"}


def write(predictor: Predictor, folder: Path, backend: str) -> Path:
    """Write the model repository; returns the model's folder in it.

    Raises:
        RunError: The chapter cannot be exported.
        InputError: There is no such backend, or the model is too large for an ONNX file.
    """
    if backend not in TRITON_BACKENDS:
        raise unknown("Triton backend", backend, TRITON_BACKENDS)
    model = folder / predictor.chapter.folder.name
    version = model / "1"
    version.mkdir(parents=True)
    as_onnx.write(predictor, version)
    if backend == "python":
        shutil.copyfile(_SCRIPT, version / _MODEL)
    (model / CONFIG).write_text(config(predictor, backend), encoding="utf-8")
    return model


def use(model: Path) -> str:
    """How a server is started on the repository that holds `model`, which `write` returned."""
    if not (model / "1" / _MODEL).exists():
        return f"{_PROGRAM}  # in NVIDIA's container"
    return f"""\
scratch tritonserver .  # the Python backend, on this machine
pip install onnxruntime && {_PROGRAM}  # in NVIDIA's container"""


def config(predictor: Predictor, backend: str) -> str:
    """The `config.pbtxt` of a model, for one of `TRITON_BACKENDS`."""
    signature = predictor.signature
    return f"""\
name: "{predictor.chapter.folder.name}"
backend: "{backend}"
max_batch_size: {BATCH_SIZE}
input [
{_tensors(signature.inputs)}
]
output [
{_tensors(signature.outputs)}
]
dynamic_batching {{ max_queue_delay_microseconds: {_LONGEST_WAIT} }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
"""


def _tensors(specs: tuple[TensorSpec, ...]) -> str:
    """Each tensor without its batch; a single number for each example has the shape [1] here, which Triton wants."""
    return ",\n".join(
        f'  {{ name: "{spec.name}" data_type: TYPE_{_TYPES[spec.dtype]} dims: {list(spec.shape) or [1]}'
        f"{'' if spec.shape else ' reshape: { shape: [] }'} }}"
        for spec in specs
    )
