"""What one client asks of a server of predictions leaves it there for the others."""

from collections.abc import Iterator

import pytest
import torch

from engine.checkpoints import load_checkpoint, save_checkpoint
from tests.doubles.api_server import ApiServer, api_server, trained

pytestmark = pytest.mark.timeout(240)

ROWS = "01_perceptron"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server whose model has the largest weights that there are."""
    folder = tmp_path_factory.mktemp("and")
    (last,) = trained(ROWS, "and", folder).glob("models/*/model_last.pt")
    content = load_checkpoint(last)
    largest = {"weights": torch.full((2,), torch.finfo(torch.float32).max)}
    save_checkpoint(folder / "large.pt", {**content, "model": content["model"] | largest})
    with api_server(ROWS, "--checkpoint", folder / "large.pt") as server:
        yield server
        assert [line.get("traceback", line) for line in server.log if line["level"] == "error"] == []


def test_an_answer_that_is_not_finite_is_refused(server: ApiServer) -> None:
    for body in ({"input": [1e9, 1e9]}, {"inputs": [[0.0, 0.0], [1e9, 1e9], [0.0, 0.0]]}):
        answer = server.client.post("/v1/predict", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "invalid")
        assert f"example {2 if 'inputs' in body else 1}: the model's answer is not finite" in error["message"]
    assert server.client.post("/v1/predict", json={"input": [0.0, 0.0]}).status_code == 200
