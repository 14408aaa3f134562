"""The OpenAPI document is true, whatever requests are made up from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.api_server import ROOT, ApiServer, api_server, trained

pytestmark = pytest.mark.timeout(240)

KEY = "a-key-of-the-tests"
MODELS = {"03_mlp": "digits", "01_perceptron": "iris-easy"}


@pytest.fixture(scope="module", params=MODELS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    outputs = trained(request.param, MODELS[request.param], tmp_path_factory.mktemp("runs"))
    arguments = ("--checkpoint", "latest", "--outputs", outputs)
    with api_server(request.param, *arguments, env={"SCRATCH_API_KEY": KEY}) as server:
        yield server
        assert [line.get("traceback", line) for line in server.log if line["level"] == "error"] == []


def test_what_the_document_promises_is_kept(server: ApiServer, tmp_path: Path) -> None:
    options = ("--checks", "all", "--max-examples", "25", "--seed", "1", "--generation-database", "none")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{server.url}/openapi.json",
            *options,
            "--header",
            f"Authorization: Bearer {KEY}",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.doubles.api_formats", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Tested: 5" in done.stdout
    statuses = {line["status"] for line in server.log if line.get("path") == "/v1/predict"}
    assert {200, 401, 405, 415, 422} <= statuses


def test_the_examples_in_the_document_are_those_of_the_chapter(server: ApiServer) -> None:
    document = server.client.get("/openapi.json").json()
    kinds = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    schemas = document["components"]["schemas"]
    if "Columns" in schemas:
        assert schemas["Columns"]["required"] == ["sepal length", "sepal width", "petal length", "petal width"]
        assert list(kinds) == ["application/json"]
        assert "Decision" in schemas
    else:
        assert {"image/png", "multipart/form-data"} < kinds.keys()
        assert "Classification" in schemas
