"""The model behind LitServe: the variant `batching` puts waiting requests into one forward pass, `single` does not."""

from pathlib import Path
from typing import Any

import litserve
from torch import Tensor, stack
from work import MOST_WAITING, arguments, load

from inference import PredictOptions

WAIT = 0.002
"""Seconds that a request waits for others."""


class API(litserve.LitAPI):
    """Each request holds one example."""

    def __init__(self, outputs: Path, **settings: Any) -> None:
        super().__init__(api_path="/v1/predict", **settings)
        self.outputs = outputs

    def setup(self, device: str) -> None:
        """Load the model in the process that asks it."""
        self.predictor = load(self.outputs)

    def decode_request(self, request: dict[str, Any]) -> Tensor:
        """The example as a tensor [*shape]."""
        return self.predictor.batch([request["input"]])[0]

    def predict(self, x: Tensor) -> list[Any]:
        """The answers to a batch [batch, *shape], or the one to an example [*shape]."""
        return self.predictor.answers(self.predictor.outputs(x), PredictOptions())

    def encode_response(self, output: Any) -> dict[str, Any]:
        """The answer as JSON."""
        return {"answer": output.model_dump(mode="json")}


class Single(API):
    """A forward pass for each request."""

    def predict(self, x: Tensor) -> Any:
        """The answer to an example [*shape]."""
        return super().predict(stack([x]))[0]


def main() -> None:
    """Serve until killed."""
    options = arguments(__doc__ or "")
    if options.variant == "batching":
        api = API(options.outputs, max_batch_size=MOST_WAITING, batch_timeout=WAIT)
    else:
        api = Single(options.outputs)
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(host="127.0.0.1", port=options.port, generate_client_file=False, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
