"""What the documents say to type works, and what they point to is there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from project.chapters import Project
from tests.doubles.toy_clone import executable

ROOT = Path(__file__).resolve().parents[3]
NOT_OURS = {
    ".git",
    ".venv",
    "outputs",
    "data",
    "build",
    "workspace",
    "{{cookiecutter.chapter}}",  # its documents are looked at in the chapters made from it
    "__pycache__",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
}
TEST_REPRODUCE = "tests/integration/chapters/test_reproduce.py"
TEST_REGISTRY = "tests/integration/deployment/test_registry_command.py"
TEST_OPTIMISE = "tests/integration/deployment/test_optimise.py"
TEST_NEW = "tests/integration/chapters/test_new.py"

UI = (" 01", "", " 03", " 04", " 03 --checkpoint RUN_ID", " 03 --port 8000")

# Commands that are too expensive to run here: each with the file that runs it, and what it says there.
PROVEN_ELSEWHERE = {
    "./scratch demo": (".ci/run", "./scratch demo"),
    "./scratch test": (".ci/run", "./scratch test"),
    "./scratch test 01 -k bound": ("tests/integration/project/test_cli_commands.py", '"-k"'),
    "./scratch test --root -k docs": ("tests/integration/project/test_cli_commands.py", '"-k"'),
    **{
        f"./scratch {command}": ("tests/integration/chapters/test_exercises.py", proof)
        for command, proof in {  # one exits with 1 while a part is missing, the others want all parts written
            **{f"check {chapter}": 'clone.scratch("check", "1")' for chapter in ("00", "01", "02", "03", "04")},
            "train workspace/01_perceptron --experiment xor": '"train", "workspace/01_toy"',
            "train workspace/01_perceptron --experiment xor --visualize": '"train", "workspace/01_toy"',
            "mutants 01": 'clone.scratch("mutants", "1")',
            "parity": 'clone.scratch("parity")',
            "parity --check": 'clone.scratch("parity", "--check")',
            "check 01 --prove": 'clone.scratch("check", "1", "--prove")',
        }.items()
    },
    "./scratch setup --all --dev": (".ci/run", "./scratch test"),
    "./scratch lint": (".ci/run", "./scratch lint"),
    "docs/from_run_to_product.sh": (".ci/run", "docs/from_run_to_product.sh"),
    "bash .ci/run": (".github/workflows/ci.yml", "bash .ci/run"),
    "bash .ci/release v0.2.0 build/release": (TEST_REGISTRY, '[script, "v0.1.0"'),
    "./scratch governance --release-notes v0.2.0": (".ci/release", "./scratch governance --release-notes"),
    "./scratch governance --refresh": (
        "tests/unit/cli/test_governance.py",
        "resolve(tmp_path, [ENVIRONMENT]",
    ),  # the network
    "./scratch governance --sbom 03": (".ci/release", "./scratch governance --sbom"),
    "./scratch registry promote 03 staging prod": (".github/workflows/promote.yml", "./scratch registry promote"),
    "./scratch doctor": (
        "tests/integration/project/test_cli_commands.py",
        '"doctor"',
    ),  # its exit code depends on the disk
    "python -m venv .venv": (".ci/run", "python3 -m venv .venv"),
    ". .venv/bin/activate": (".ci/run", ". .venv/bin/activate"),
    "pip install -r requirements.txt": (".ci/run", "pip install --quiet -r requirements.txt"),
    "pip install -r ../../requirements-dev.txt": (".ci/run", "pip install --quiet -r ../../requirements-dev.txt"),
    "pip install -e ../../": (".ci/run", "pip install --quiet -e ../../"),
    **{f"./scratch reproduce {what}": (TEST_REPRODUCE, '"reproduce", "90"') for what in ("01", "--module 1")},
    './scratch new 35_mine --title "My network" --year 2026 --paper "On my network"': (TEST_NEW, '"new", chapter'),
    "./scratch train 35 --experiment moons --visualize": (TEST_NEW, "test_every_chapter.py"),
    "./scratch test 35": (TEST_NEW, "test_promises.py"),
    "./scratch mutants 35": (TEST_NEW, "test_promises.py"),
    "./scratch check 35 --prove": (TEST_NEW, "test_promises.py"),
    "./scratch reproduce 35": (TEST_NEW, '"reproduce", *TRAINED'),
    **{f"./scratch ui{what}": ("tests/integration/deployment/test_interface_command.py", '"ui"') for what in UI},
    "./scratch compare RUN_ID": (TEST_REPRODUCE, '"compare", new.name'),
    "./scratch replay RUN_ID": ("tests/integration/training/test_replay.py", '"replay", run_id'),
    "./scratch track RUN_ID --to tensorboard": ("tests/integration/tracking/test_track.py", '"--to", "tensorboard"'),
    "./scratch serve 03 --checkpoint latest": (
        "tests/integration/api/test_serve_command.py",
        '"serve", "1", "--checkpoint"',
    ),
    "./scratch serve 03 --alias prod": (
        "tests/integration/api/test_serve_command.py",
        '"serve", "1", "--alias", "prod"',
    ),
    **{
        f"./scratch registry {arguments}": (TEST_REGISTRY, f'"registry", "{arguments.split()[0]}"')
        for arguments in (
            "register RUN_ID",
            "list",
            "list 01",
            "promote 01 1 prod",
            "load 01 prod --to DIRECTORY",
        )
    },
    **{
        f"./scratch checkpoints {arguments}": (
            "tests/integration/training/test_checkpoints_command.py",
            '"checkpoints", "verify"',
        )
        for arguments in ("list 01", "verify 01", "prune 01 --dry-run")
    },
    **{
        f"models/01_perceptron/.venv/bin/python tools/chaos/resume.py {arguments}": (
            "tests/integration/training/test_chaos.py",
            '"--kills", 6, "--seed", 3, "--kind", "adam", "workers"',
        )
        for arguments in ("--kills 200 --seed 0", "--kills 6 --seed 3 --kind adam workers")
    },
    **{
        f"torchrun --standalone --nproc-per-node {arguments}": (
            "tests/integration/training/test_distributed.py",
            '"torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)',
        )
        for arguments in (
            "2 src/train.py --experiment NAME hardware=ddp",
            "2 src/train.py --experiment NAME hardware=fsdp",
            "3 src/train.py --resume latest",
        )
    },
    "./scratch tritonserver build/digits": (
        "tests/integration/deployment/test_tritonserver.py",
        '"tritonserver", folder',
    ),
    "models/01_perceptron/.venv/bin/python tools/chaos/launches.py --launches 60 --ranks 2": (
        "tests/integration/training/test_distributed.py",
        "tools/chaos/launches.py",
    ),
    "models/01_perceptron/.venv/bin/python tools/benchmark/startup.py": (
        "tests/unit/benchmark/test_startup.py",
        "tools/benchmark/startup.py",
    ),
    "models/03_mlp/.venv/bin/python tools/benchmark/mlp_by_hand.py": (
        "tests/unit/benchmark/test_by_hand.py",
        "tools/benchmark/mlp_by_hand.py",
    ),
    "models/01_perceptron/.venv/bin/python tools/benchmark/resume_seek.py": (
        "tests/unit/benchmark/test_resume_seek.py",
        "tools/benchmark/resume_seek.py",
    ),
    "./scratch optimise 03 --checkpoint latest --prune 0.8": (TEST_OPTIMISE, '"--prune", "0.7"'),
    "./scratch optimise 03 --checkpoint latest --quantize int8": (TEST_OPTIMISE, '"--quantize", "int8", *options'),
    **{
        command: ("tests/integration/project/test_dvc.py", proof)
        for command, proof in {
            "python3 -m venv build/dvc": 'tool_environment("dvc"',
            "build/dvc/bin/pip install -r deployment/dvc/requirements.txt": '"deployment/dvc/requirements.txt"',
            "build/dvc/bin/dvc repro": "clone.repro() == dict.fromkeys(STAGES, True)",
            "build/dvc/bin/dvc metrics show": 'clone.dvc("metrics", "show")',
            "build/dvc/bin/dvc remote add --local --default disk /path/to/a/folder": '"remote", "add", "--local"',
            "build/dvc/bin/dvc push": 'clone.dvc("push")',
            "build/dvc/bin/dvc pull": 'clone.dvc("pull")',
        }.items()
    },
    "python3 tools/benchmark/engine_overhead.py": (
        "tests/unit/benchmark/test_overhead.py",
        "tools/benchmark/engine_overhead.py",
    ),
    **{
        f"python3 tools/benchmark/serving.py{arguments}": (
            "tests/unit/benchmark/test_serving.py",
            "tools/benchmark/serving.py",
        )
        for arguments in ("", " --memory --requests 100000")
    },
}


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


class Fence(NamedTuple):
    """A block of code in a document."""

    language: str
    line: int
    content: list[str]


def fences(document: Path) -> list[Fence]:
    """The blocks of code of `document`, in order."""
    found: list[Fence] = []
    inside = False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```"):
            inside = not inside
            if inside:
                found.append(Fence(line.removeprefix("```").strip(), number, []))
        elif inside:
            found[-1].content.append(line)
    return found


def commands(document: Path) -> Iterator[tuple[Path, str]]:
    """The commands of `document`, each with the folder to type it in, relative to the repository.

    A block starts in the chapter that the document belongs to, or else at the root.
    """
    home = document.relative_to(ROOT)
    start = Path(*home.parts[:2]) if home.parts[0] == "models" else Path()
    for fence in fences(document):
        folder = start
        if fence.language != "bash":
            continue
        for line in fence.content:
            for command in re.split(r"\s+&&\s+", re.sub(r"(^|\s)#\s.*", "", line).strip()):
                if command.startswith("cd "):
                    folder = Path(os.path.normpath(folder / command.removeprefix("cd ").strip()))
                elif command:
                    yield folder, command


ids = pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository whose environments are this one."""
    root = tmp_path_factory.mktemp("clone") / "repository"
    shutil.copytree(ROOT, root, ignore=lambda folder, names: NOT_OURS.intersection(names) - _packages(folder))
    project = Project(root)
    for venv in (project.venv(), *(project.venv(chapter) for chapter in project.chapters())):
        venv.python.parent.mkdir(parents=True)
        executable(venv.python, f'PYTHONPATH="{root}" exec "{sys.executable}" "$@"')
        (venv.python.parent / "pre-commit").symlink_to(Path(sys.executable).with_name("pre-commit"))
        for stage in venv.stages:
            venv.stamp(stage)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    return root


def _packages(folder: str) -> set[str]:
    """`data` is ignored at the root only, as in .gitignore."""
    return set() if Path(folder) == ROOT else {"data"}


@pytest.fixture(scope="module")
def already_run() -> set[tuple[Path, str]]:
    """What earlier documents had typed: once is enough."""
    return set()


@pytest.mark.parametrize(
    "document",
    [document for document in documents() if any(command not in PROVEN_ELSEWHERE for _, command in commands(document))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_command_works(document: Path, clone: Path, already_run: set[tuple[Path, str]]) -> None:
    for folder, command in commands(document):
        if command in PROVEN_ELSEWHERE or (folder, command) in already_run:
            continue
        done = _type(command, clone, folder)
        assert done.returncode == 0, f"{folder}$ {command}\n{done.stdout}{done.stderr}"
        already_run.add((folder, command))


def _type(command: str, clone: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what a reader would type; RUN_ID stands for the newest run."""
    runs = sorted((clone / folder).glob("outputs/models/*"), key=lambda run: run.stat().st_mtime_ns)
    if runs:
        command = command.replace("RUN_ID", runs[-1].name)
    environment = {
        **os.environ,
        "PATH": f"{clone / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",  # as in an activated environment
        "OMP_NUM_THREADS": "1",
        "WANDB_MODE": "disabled",
    }
    return subprocess.run(
        ["bash", "-c", command],
        cwd=clone / folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("command", PROVEN_ELSEWHERE)
def test_a_command_that_is_proven_elsewhere_still_is(command: str) -> None:
    file, text = PROVEN_ELSEWHERE[command]
    assert text in (ROOT / file).read_text()


def test_the_list_of_commands_proven_elsewhere_has_no_leftovers() -> None:
    typed = {command for document in documents() for _, command in commands(document)}
    assert sorted(PROVEN_ELSEWHERE.keys() - typed) == []


@ids
def test_every_block_of_code_says_its_language(document: Path) -> None:
    assert [fence.line for fence in fences(document) if not fence.language] == []


@ids
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r'(?:\]\(|src=")([^()\s"]+)', _prose(document)):
        path, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (document.parent / path) if path else document
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def _prose(document: Path) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _anchors(document: Path) -> set[str]:
    """The headings as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ (.*)$", _prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_in_the_list_of_decisions() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    decisions = sorted(path.name for path in (ROOT / "docs/adr").glob("0*.md"))
    assert [name for name in decisions if f"({name})" not in index] == []


def test_every_experiment_has_an_entry() -> None:
    entries = re.findall(r"^### (\S+)$", (ROOT / "EXPERIMENTS.md").read_text(), flags=re.MULTILINE)
    wanted = [
        f"{chapter.name}/{experiment.name}"
        for chapter in Project(ROOT).chapters()
        for experiment in chapter.experiments()
    ]
    assert sorted(entries) == sorted(wanted)
