import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.doubles.wandb_server import API_KEY, WandbServer


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Nothing of the user's environment: no key, no settings, an empty home folder, and nothing left in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("WANDB_", "NETRC"))}
    with mock.patch.dict(os.environ, {**clean, "HOME": str(folder)}, clear=True):
        yield folder
    assert list(folder.rglob("*")) == []


@pytest.fixture
def server(home: Path) -> Iterator[WandbServer]:
    with WandbServer() as server:
        os.environ.update(WANDB_BASE_URL=server.url, WANDB_API_KEY=API_KEY)
        yield server
    assert server.unknown_operations == []
