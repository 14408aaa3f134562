"""The real pip-licenses and cyclonedx-py on an environment with one package, from a folder and without a network."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.governance.licences import declared
from cli.governance.programs import uv
from cli.governance.sbom import sbom
from tests.doubles.bench import ROOT

PYTHON = Path(sys.executable)
METADATA = "Metadata-Version: 2.4\nName: Toy_Package\nVersion: 1.0\n{licence}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the only package that can be had, with a line on its licence."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(links))
    monkeypatch.setenv("UV_NO_INDEX", "1")

    def make(licence: str) -> None:
        with zipfile.ZipFile(links / "toy_package-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("toy_package.py", "")
            wheel.writestr("toy_package-1.0.dist-info/METADATA", METADATA.format(licence=licence))
            wheel.writestr("toy_package-1.0.dist-info/WHEEL", WHEEL)
            wheel.writestr("toy_package-1.0.dist-info/RECORD", "")

    return make


@pytest.mark.parametrize(
    ("line", "licence"), [("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"), ("", "")]
)
def test_the_licence_is_what_the_metadata_declares(package: Callable[[str], None], line: str, licence: str) -> None:
    package(line)
    assert declared(ROOT, PYTHON, [("toy-package", "1.0")]) == {("toy-package", "1.0"): licence}


def test_a_bill_of_materials_lists_what_is_installed_and_nothing_of_the_machine(
    package: Callable[[str], None], tmp_path: Path
) -> None:
    package("License-Expression: MIT OR Apache-2.0")
    environment = tmp_path / "environment/bin/python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(tmp_path / "environment")],
        ["pip", "install", "--quiet", "--python", str(environment), "toy-package"],
    ):
        subprocess.run([uv(ROOT), *command], check=True, timeout=60)
    # as an editable installation of the clone does
    site = next((tmp_path / "environment/lib").glob("python*/site-packages"))
    itself = site / "ai_from_scratch_to_scale-1.dist-info"
    itself.mkdir()
    (itself / "METADATA").write_text("Metadata-Version: 2.4\nName: ai-from-scratch-to-scale\nVersion: 1\n")
    (itself / "direct_url.json").write_text(json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}}))

    text = sbom(ROOT, PYTHON, environment)
    document = json.loads(text)
    (component,) = document["components"]
    assert (document["bomFormat"], component["purl"]) == ("CycloneDX", "pkg:pypi/toy-package@1.0")
    assert [each["expression"] for each in component["licenses"]] == ["MIT OR Apache-2.0"]
    assert document["metadata"]["component"]["name"] == "ai-from-scratch-to-scale"
    assert str(tmp_path) not in text and "timestamp" not in text and "serialNumber" not in text
