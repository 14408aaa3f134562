"""Asks Triton, where tritonclient is installed: `python triton_client.py HTTP_PORT GRPC_PORT REQUEST CONFIG`.

REQUEST is a JSON file with the model's name and the rows of `x`. Prints JSON: what the two protocols answered, and what
the config holds once parsed as the message that it is.
"""

import json
import sys
from pathlib import Path

import numpy
from google.protobuf import json_format, text_format
from tritonclient import grpc, http
from tritonclient.grpc import model_config_pb2

_, http_port, grpc_port, request, config = sys.argv
asked = json.loads(Path(request).read_text())
x = numpy.array(asked["x"], dtype="float32")
answers = {}
for protocol, port in ((http, http_port), (grpc, grpc_port)):
    tensor = protocol.InferInput("x", x.shape, "FP32")
    tensor.set_data_from_numpy(x)
    with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
        answer = client.infer(asked["model"], [tensor])
    answers[protocol.__name__.split(".")[-1]] = answer.as_numpy(asked["output"]).tolist()
parsed = text_format.Parse(Path(config).read_text(), model_config_pb2.ModelConfig())
print(json.dumps({**answers, "config": json_format.MessageToDict(parsed)}))
