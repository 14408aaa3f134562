"""A bundle is what was registered, file by file, or is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deployment.registry.manifest import MANIFEST, SCHEMA, listed, seal, verify
from utils.errors import RunError
from utils.files import sha256_of


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    return tmp_path


def test_a_sealed_bundle_is_whole(bundle: Path) -> None:
    digest = seal(bundle)
    verify(bundle, digest, "the bundle")
    assert listed(bundle / MANIFEST, digest, "the bundle").keys() == {"model.pt", "config.yaml"}


def test_bundles_of_the_same_files_have_the_same_digest(bundle: Path) -> None:
    first = seal(bundle)
    (bundle / MANIFEST).unlink()
    assert seal(bundle) == first


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "model.pt").write_bytes(b"Weights"), "model.pt is not what was registered"),
        (lambda folder: (folder / "model.pt").unlink(), "lacks model.pt"),
        (lambda folder: (folder / "evil.pt").write_bytes(b""), "holds evil.pt, which was not registered"),
        (lambda folder: (folder / MANIFEST).unlink(), f"has no {MANIFEST}"),
        (lambda folder: (folder / MANIFEST).write_text("{}"), f"{MANIFEST} is not the one that was registered"),
    ],
)
def test_whatever_was_altered_is_named(bundle: Path, harm: Callable[[Path], object], said: str) -> None:
    digest = seal(bundle)
    harm(bundle)
    with pytest.raises(RunError, match=said):
        verify(bundle, digest, "the bundle")


@pytest.mark.parametrize("name", ["../evil.pt", "/etc/passwd", "sub/evil.pt", "..", "", "a\nb", "-rf", "C:evil"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    manifest = tmp_path / MANIFEST
    manifest.write_text(json.dumps({"schema": SCHEMA, "files": {name: "0" * 64}}))
    with pytest.raises(RunError, match="not a plain file name"):
        listed(manifest, sha256_of(manifest), "the bundle")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / MANIFEST
    manifest.write_text(json.dumps({"schema": SCHEMA + 1, "files": {}}))
    with pytest.raises(RunError, match="newer than 1; update the project"):
        listed(manifest, sha256_of(manifest), "the bundle")
