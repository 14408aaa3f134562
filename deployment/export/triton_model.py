"""Triton's Python backend runs this beside `model.onnx`: all requests that came together go through at once."""

from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    """What Triton makes of a model's folder."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model; `args` names its folder and its version."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        path = Path(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request, in order."""
        inputs = [triton.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        outputs = self.session.run(self.names, {"x": numpy.concatenate(inputs)})
        ends = numpy.cumsum([len(x) for x in inputs])[:-1]
        parts = zip(*(numpy.split(values, ends) for values in outputs), strict=True)
        return [
            triton.InferenceResponse(
                [triton.Tensor(name, values) for name, values in zip(self.names, part, strict=True)]
            )
            for part in parts
        ]
