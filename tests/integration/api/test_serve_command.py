"""`scratch serve` serves what it is told to, in the chapter's environment; what docs/serving.md says to type works."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.doubles.api_server import ROOT, ApiServer, api_server, trained
from tests.doubles.toy_clone import ToyClone

DOCUMENT = (ROOT / "docs/serving.md").read_text()
KEY = "a-key-of-the-tests"
TELLS = """
def serve_model(predictor, settings, keys, listening):
    print(predictor.chapter.folder, listening.getsockname()[1], settings.batching.max_wait_ms, keys is not None)

def serve_alias(source, settings, keys, listening):
    print(source.alias)
"""
LOADS = """
from types import SimpleNamespace

class Predictor:
    @classmethod
    def from_checkpoint(cls, folder, reference, outputs, device):
        return SimpleNamespace(chapter=SimpleNamespace(folder=folder))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> ToyClone:
    """A chapter that can be asked, and a server that says what it is to serve."""
    clone = ToyClone(tmp_path_factory.mktemp("clone") / "repository")
    clone.write("deployment/api/serve.py", TELLS)
    clone.write("inference/__init__.py", "")
    clone.write("inference/predictor.py", LOADS)
    clone.add_chapter("01_toy", {"serving.py": ""})
    clone.add_chapter("02_mute")
    return clone


def test_settings_come_from_all_places_and_paths_are_those_of_the_user(clone: ToyClone, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n")
    (tmp_path / "s.yaml").write_text("server: {port: 1}\nbatching: {max_wait_ms: 7}\n")
    options = ("--settings", "s.yaml", "--api-key-file", "keys", "--port", "0", "batching.max_wait_ms=2")
    done = clone.scratch("serve", "1", "--checkpoint", "latest", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder, port, wait, locked = done.stdout.split()
    assert (folder, wait, locked) == (str(clone.root / "models/01_toy"), "2.0", "True")
    assert int(port) > 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("1",),
        ("1", "--checkpoint", "latest", "--alias", "prod"),
        ("1", "--checkpoint", "latest", "--registry", "sqlite:///r.db"),
        ("1", "--alias", "prod", "--outputs", "elsewhere"),
        ("2", "--alias", "prod"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_2(clone: ToyClone, arguments: tuple[str, ...]) -> None:
    done = clone.scratch("serve", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    outputs = trained("03_mlp", "digits", tmp_path_factory.mktemp("digits"))
    arguments = ("--checkpoint", "latest", "--outputs", outputs)
    with api_server("03_mlp", *arguments, env={"SCRATCH_API_KEY": KEY}) as server:
        yield server


@pytest.mark.timeout(180)
def test_every_example_with_curl_works(server: ApiServer, tmp_path: Path) -> None:
    Image.new("L", (20, 20), 200).save(tmp_path / "digit.png")
    row = [0, 0, 5, 13, 9, 1, 0, 0]
    (tmp_path / "digits.json").write_text(json.dumps({"inputs": [[[row] * 8]] * 2}))
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL))
    script = script.replace("http://127.0.0.1:8000", server.url).replace("curl", "curl --silent --show-error --fail")
    done = subprocess.run(
        ["bash", "-ec", f"KEY={KEY}\n{script}"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = re.findall(r'"answers?":\[?{"label"', done.stdout)
    assert len(answers) == script.count("/v1/predict") == 4
    assert '"status":"ready"' in done.stdout


def test_the_document_has_every_setting_with_its_default() -> None:
    settings = yaml.safe_load((ROOT / "deployment/api/settings.yaml").read_text())
    wanted = {f"{section}.{key}": value for section, values in settings.items() for key, value in values.items()}
    rows = re.findall(r"^\| `(\w+\.\w+)` \| `?([^`|]*?)`? \|", DOCUMENT, flags=re.MULTILINE)
    assert {name: yaml.safe_load(value) for name, value in rows} == wanted


def test_an_alias_is_looked_up_in_the_registry_that_is_named(clone: ToyClone) -> None:
    source = "from collections import namedtuple\nAliasSource = namedtuple('AliasSource', 'chapter alias uri device')\n"
    clone.write("deployment/api/model/reload.py", source)
    clone.write("deployment/api/serve.py", TELLS.replace("print(source.alias)", "print(*source)"))
    options = ("--registry", "sqlite:///r.db", "--port", "0")
    done = clone.scratch("serve", "1", "--alias", "prod", *options)
    assert done.stdout.split() == [str(clone.root / "models/01_toy"), "prod", "sqlite:///r.db", "cpu"], done.stderr
