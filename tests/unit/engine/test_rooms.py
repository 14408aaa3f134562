"""The rooms of the engine: each names what is public, and naming it costs nothing."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import engine

ROOMS = sorted(path.parent.name for path in Path(engine.__file__).parent.glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_names_is_there(room: str) -> None:
    package = import_module(f"engine.{room}")
    assert package.__doc__
    assert all(hasattr(package, name) for name in getattr(package, "__all__", ()))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_each_of_its_files_is_for(room: str) -> None:
    folder = Path(engine.__file__).parent / room
    readme = (folder / "README.md").read_text()
    modules = [path.name for path in folder.iterdir() if path.suffix in (".py", ".yaml") and path.stem != "__init__"]
    assert [name for name in modules if f"`{name}`" not in readme] == []


def test_to_name_a_room_loads_no_torch() -> None:
    rooms = ", ".join(f"engine.{room}" for room in ROOMS)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {rooms}; print('torch' in sys.modules)"], capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr
