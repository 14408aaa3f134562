"""An ONNX file whose matrix products are in int8, made by onnxruntime.

Weights become int8 when the file is written, with one scale for each matrix; inputs of a product when it is asked, with
a scale for each batch ("dynamic" quantisation): nothing has to be calibrated on data. Weights use 7 of the 8 bits: a
CPU without VNNI adds two products in 16 bits, where those of 8 bits overflow. What is not a product of float32 numbers
with constant weights stays as it is.
"""

import tempfile
from pathlib import Path

import onnx
import onnx_ir
import onnxruntime
from onnx_ir.passes.common import RemoveUnusedNodesPass, RemoveUnusedOpsetsPass
from onnxruntime.quantization import QuantType, quantize_dynamic

from deployment.export.program import quietly
from utils.errors import InputError

FILE = "model.int8.onnx"
_PRODUCTS = ("MatMul", "Gemm")
_INT8 = "MatMulInteger"


def write(source: Path, folder: Path) -> tuple[Path, str]:
    """Write `model.int8.onnx`, with the inputs, outputs and metadata of the ONNX file `source`.

    Returns:
        The file, and in words how many of its products are in int8.

    Raises:
        InputError: None would be.
    """
    path = folder / FILE
    with tempfile.TemporaryDirectory() as place, quietly():
        folded = _folded(source, Path(place) / "folded.onnx")
        quantize_dynamic(
            *(folded, path), weight_type=QuantType.QInt8, reduce_range=True, extra_options={"EnableSubgraph": True}
        )
    cleared = onnx_ir.load(path)
    for clear in (
        RemoveUnusedNodesPass(),
        RemoveUnusedOpsetsPass(),
    ):  # onnxruntime leaves some of both in what it writes
        clear(cleared)
    kinds = [node.op_type for node in cleared.graph.all_nodes()]
    quantized, left = kinds.count(_INT8), sum(kinds.count(kind) for kind in _PRODUCTS)
    if quantized == 0:
        raise InputError(
            "there is nothing to quantize: this model has no product of float32 inputs with a constant matrix"
        )
    model = onnx_ir.to_proto(cleared)
    facts = {each.key: each.value for each in onnx.load(source).metadata_props}
    onnx.helper.set_model_props(model, facts | {"quantization": f"int8 by onnxruntime {onnxruntime.__version__}"})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path, f"{quantized} of {quantized + left} matrix products are in int8"


def _folded(source: Path, target: Path) -> Path:
    """`source` with what follows from the weights alone computed once: a chapter may cut its matrices out of a vector.

    The quantizer finds a product only where its matrix stands in the file.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    del model.graph.value_info[:]  # or shapes from before would contradict those that the quantizer infers
    onnx.save(model, target)
    return target
