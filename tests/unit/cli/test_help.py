"""Help is there at once: no command loads anything heavy to describe itself."""

import subprocess
import sys

import pytest

from cli.main import COMMANDS

HEAVY = ("torch", "numpy", "pydantic", "hydra", "omegaconf", "yaml", "matplotlib", "pooch", "wandb", "sklearn")
ASK = f"""
import sys
from cli.main import main
sys.argv = ["scratch", *sys.argv[1:]]
try:
    main()
finally:
    print("loaded:", [name for name in {HEAVY} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        [],
        *([name, "--help"] for section in COMMANDS.values() for name in section),
        *(["data", c, "--help"] for c in ("list", "get")),
        *(["checkpoints", c, "--help"] for c in ("list", "verify", "prune")),
        *(["registry", c, "--help"] for c in ("register", "list", "promote", "load")),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    asked = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("Usage: scratch")
    assert asked.stdout.endswith("loaded: []\n")
    assert "\\b" not in asked.stdout  # what click is told by it: these lines are not to be run together


def test_every_command_is_listed_with_its_own_name() -> None:
    from cli.main import group

    context = group.make_context("scratch", ["list"])
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    assert [command.name for command in commands if command] == [
        name for section in COMMANDS.values() for name in section
    ]
