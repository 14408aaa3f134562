"""An ONNX file whose matrix products are in int8, made by onnxruntime.

Weights become int8 when the file is written, with one scale for each matrix; inputs of a product when it is asked, with
a scale for each batch ("dynamic" quantisation): nothing has to be calibrated on data. What is not a product of
float32 numbers with constant weights stays as it is.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnxruntime
from onnx import AttributeProto, GraphProto, NodeProto
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
        quantize_dynamic(folded, path, weight_type=QuantType.QInt8, extra_options={"EnableSubgraph": True})
        model = onnx.load(_folded(path, Path(place) / "quantized.onnx"))
    kinds = [node.op_type for node in _nodes(model.graph)]
    quantized, left = kinds.count(_INT8), sum(kinds.count(kind) for kind in _PRODUCTS)
    if quantized == 0:
        raise InputError(
            "there is nothing to quantize: this model has no product of float32 inputs with a constant matrix"
        )
    facts = {each.key: each.value for each in onnx.load(source).metadata_props}
    used = {node.domain for node in _nodes(model.graph)}
    for each in [each for each in model.opset_import if each.domain not in used]:
        model.opset_import.remove(each)  # onnxruntime lists all that it knows
    onnx.helper.set_model_props(model, facts | {"quantization": f"int8 by onnxruntime {onnxruntime.__version__}"})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path, f"{quantized} of {quantized + left} matrix products are in int8"


def _folded(source: Path, target: Path) -> Path:
    """`source` with what follows from the weights alone computed once: a chapter may cut its matrices out of a vector.

    The quantizer finds a product only where its matrix stands in the file.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it tells of every number that it leaves out
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    del model.graph.value_info[:]  # or shapes from before would contradict those that the quantizer infers
    onnx.save(model, target)
    return target


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Every node, those inside loops and branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _nodes(attribute.g)
