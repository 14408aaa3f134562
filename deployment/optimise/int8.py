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
from onnx import AttributeProto, GraphProto, ModelProto
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
    model = onnx.load(path)
    _drop_unused(model)
    kinds = [node.op_type for graph in _graphs(model.graph) for node in graph.node]
    quantized, left = kinds.count(_INT8), sum(kinds.count(kind) for kind in _PRODUCTS)
    if quantized == 0:
        raise InputError(
            "there is nothing to quantize: this model has no product of float32 inputs with a constant matrix"
        )
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


def _drop_unused(model: ModelProto) -> None:
    """Take out the numbers and the sets of operations that no node needs; onnxruntime leaves both in what it writes."""
    graphs = list(_graphs(model.graph))
    named = {name for graph in graphs for node in graph.node for name in node.input}
    named |= {output.name for graph in graphs for output in graph.output}
    for graph in graphs:
        for unused in [each for each in graph.initializer if each.name not in named]:
            graph.initializer.remove(unused)
    domains = {node.domain for graph in graphs for node in graph.node}
    for foreign in [each for each in model.opset_import if each.domain not in domains]:
        model.opset_import.remove(foreign)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph, and those of the loops and branches in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _graphs(attribute.g)
