"""An ONNX file in int8."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from deployment.optimise import int8
from utils.errors import InputError

WEIGHTS = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
X = np.random.default_rng(1).normal(size=(5, 16)).astype(np.float32)


def model(folder: Path, dtype: type = np.float32) -> Path:
    """A product with a matrix that is cut out of one vector of parameters, as chapter 03 keeps its own."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    theta = np.concatenate([WEIGHTS.ravel(), np.zeros(4)]).astype(dtype)
    constants = {"theta": theta, "lengths": np.array([WEIGHTS.size, 4]), "shape": np.array(WEIGHTS.shape)}
    nodes = [
        helper.make_node("Split", ["theta", "lengths"], ["flat", "rest"], axis=0),
        helper.make_node("Reshape", ["flat", "shape"], ["weights"]),
        helper.make_node("Cast", ["x"], ["numbers"], to=kind),
        helper.make_node("MatMul", ["numbers", "weights"], ["product"]),
        helper.make_node("Cast", ["product"], ["scores"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 8])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(made, {"run_id": "a-run"})
    path = folder / "model.onnx"
    onnx.save(made, path)
    return path


def answers(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"x": X})
    return scores


def test_a_matrix_that_is_cut_out_of_a_vector_is_found(tmp_path: Path) -> None:
    path, says = int8.write(model(tmp_path), tmp_path)
    assert says == "1 of 1 matrix products are in int8"
    weights = {each.name: each.data_type for each in onnx.load(path).graph.initializer if len(each.dims) == 2}
    assert set(weights.values()) == {TensorProto.INT8}
    np.testing.assert_allclose(answers(path), X @ WEIGHTS, atol=0.15)


def test_names_and_metadata_stay_and_only_standard_operations_are_used(tmp_path: Path) -> None:
    source = model(tmp_path)
    before, after = onnx.load(source), onnx.load(int8.write(source, tmp_path)[0])
    assert before.graph.input == after.graph.input
    assert before.graph.output == after.graph.output
    facts = {each.key: each.value for each in after.metadata_props}
    assert facts["run_id"] == "a-run"
    assert facts["quantization"].startswith("int8 by onnxruntime")
    assert [each.domain for each in after.opset_import] == [""]


def test_a_model_that_computes_in_float64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to quantize"):
        int8.write(model(tmp_path, np.float64), tmp_path)
