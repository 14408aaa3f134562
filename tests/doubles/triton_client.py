"""Asks Triton, where tritonclient is installed: `python triton_client.py HTTP_PORT GRPC_PORT REQUEST`.

REQUEST is a JSON file with the model's name, the rows of `x`, and the name of an output. Its `together` has the name of
a model that waits for requests to go with, and the lengths of those that the rows are cut into and sent at once. Prints
JSON: what the two protocols answered, what each that was sent at once was answered, and how many executions that took.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy
from tritonclient import grpc, http

_, http_port, grpc_port, request = sys.argv
asked = json.loads(Path(request).read_text(encoding="utf-8"))
x = numpy.array(asked["x"], dtype="float32")


def tensors(protocol: Any, rows: numpy.ndarray) -> list[Any]:
    """`rows` as the inputs of a request."""
    tensor = protocol.InferInput("x", rows.shape, "FP32")
    tensor.set_data_from_numpy(rows)
    return [tensor]


answers = {}
for protocol, port in ((http, http_port), (grpc, grpc_port)):
    with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
        answer = client.infer(asked["model"], tensors(protocol, x))
    answers[protocol.__name__.split(".")[-1]] = answer.as_numpy(asked["output"]).tolist()

model, lengths = asked["together"]["model"], asked["together"]["lengths"]
with http.InferenceServerClient(f"127.0.0.1:{http_port}", concurrency=len(lengths)) as client:
    parts = numpy.split(x, numpy.cumsum(lengths)[:-1])
    sent = [client.async_infer(model, tensors(http, rows)) for rows in parts]
    together = [each.get_result().as_numpy(asked["output"]).tolist() for each in sent]
    (statistics,) = client.get_inference_statistics(model)["model_stats"]
answers |= {"together": together, "executions": statistics["execution_count"]}
print(json.dumps(answers))
