"""ONNX: `model.onnx`, for any runtime, in any language."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float32, Shaped
from onnx import GraphProto, ModelProto
from onnx_ir.passes.common import RemoveUnusedNodesPass
from torch import Tensor

from deployment.export.program import program, quietly, reason
from inference.predictor import Predictor
from utils.errors import InputError, RunError

FILE = "model.onnx"
USE = """\
import numpy
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
names = [output.name for output in session.get_outputs()]
x = numpy.zeros({shape}, dtype="float32")
outputs = dict(zip(names, session.run(names, {{"x": x}})))
"""
_OPSET = 20
_LARGEST = 2**31 - 1  # bytes of a protocol buffer


def write(predictor: Predictor, folder: Path) -> Path:
    """Write `model.onnx`: one file, of the same bytes for the same model.

    Its metadata say the chapter, the experiment, the run, the step, the digest of the signature and the classes.

    Raises:
        RunError: The chapter cannot be exported.
        InputError: The model is too large for one file.
    """
    size = sum(tensor.nbytes for tensor in predictor.pipeline.state_dict().values())
    if size > _LARGEST:
        raise InputError(
            f"the model has {size} bytes, and an ONNX file holds 2 GiB; take --format torch or safetensors"
        )
    model = _model(predictor)
    onnx.helper.set_model_props(model, _properties(predictor))
    onnx.checker.check_model(model, full_check=True)
    path = folder / FILE
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


class OnnxModel:
    """An ONNX file, run by onnxruntime on the CPU with one thread.

    Args:
        path: The file.

    Attributes:
        session: What runs it.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, x: Float32[Tensor, "batch *shape"]) -> dict[str, Shaped[Tensor, "batch *rest"]]:
        """The outputs by their names."""
        outputs = self.session.run(self.names, {"x": x.numpy()})
        return {name: torch.from_numpy(values) for name, values in zip(self.names, outputs, strict=True)}


def _model(predictor: Predictor) -> ModelProto:
    names = [output.name for output in predictor.signature.outputs]
    traced = program(predictor)
    try:
        with quietly():
            found = torch.onnx.export(
                traced, (), dynamo=True, input_names=["x"], output_names=names, opset_version=_OPSET, verbose=False
            )
    except torch.onnx.OnnxExporterError as error:
        raise RunError(f"{predictor.chapter.folder.name} has no ONNX form: {reason(error)}") from error
    assert found is not None, "torch.onnx.export returns a program where dynamo=True"
    RemoveUnusedNodesPass()(found.model)
    for node in found.model.graph.all_nodes():
        node.metadata_props.clear()
    model = found.model_proto
    _multiply_by_columns(model.graph)
    del model.graph.value_info[:]  # shapes between the layers: left to whoever reads the file
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def _multiply_by_columns(graph: GraphProto) -> None:
    """Write each product with a vector as one with a column: onnxruntime refuses the former for an empty batch."""
    weights = {each.name: each for each in graph.initializer}
    vectors = [
        node
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in weights and len(weights[node.input[1]].dims) == 1
    ]
    for node in vectors:
        weight, product = weights[node.input[1]], node.output[0]
        column, last = f"{weight.name}.column", f"{product}.last"
        values = onnx.numpy_helper.to_array(weight)[:, None]
        graph.initializer.append(onnx.numpy_helper.from_array(values, column))
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), last))
        node.input[1], node.output[0] = column, f"{product}.column"
        squeeze = onnx.helper.make_node("Squeeze", [node.output[0], last], [product], name=f"{node.name}.column")
        graph.node.insert(list(graph.node).index(node) + 1, squeeze)
        if not any(weight.name in other.input for other in graph.node):
            graph.initializer.remove(weight)


def _properties(predictor: Predictor) -> dict[str, str]:
    return {
        "chapter": predictor.chapter.folder.name,
        "experiment": predictor.config.experiment,
        "run_id": predictor.run_id,
        "step": str(predictor.step),
        "signature": predictor.signature.digest(),
        "class_names": json.dumps(predictor.data.class_names),
    }
