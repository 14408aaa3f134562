"""`scratch tritonserver`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import click

from project.chapters import Project
from project.venvs import triton_venv
from utils.errors import InputError, Interrupted, RunError
from utils.files import cannot_write
from utils.terminal.listening import listener
from utils.terminal.processes import Children

_STUB = "triton_python_backend_stub"
_PORT = click.IntRange(1, 65535)


@click.command("tritonserver")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--http-port", type=_PORT, default=8000, show_default=True, metavar="PORT", help="For HTTP.")
@click.option("--grpc-port", type=_PORT, default=8001, show_default=True, metavar="PORT", help="For gRPC.")
@click.pass_obj
def command(project: Project, folder: Path, host: str, http_port: int, grpc_port: int) -> int:
    """Start Triton Inference Server on FOLDER, which `scratch export --format triton` made.

    \b
        scratch tritonserver digits

    It runs on the CPU, on Linux, in an environment of its own. NVIDIA's container takes the same folder.
    """
    _check(folder)
    for path in (folder.absolute(), project.root):
        _plain(path)
    with listener(host, http_port, "--http-port"), listener(host, grpc_port, "--grpc-port"):
        pass  # of one that it cannot have, the server would print pages
    venv = triton_venv(project.root)
    venv.ensure("base")
    packages = venv.packages()
    server = packages / "pytriton/tritonserver"
    _complete(server, packages.parent.name.removeprefix("python"))
    libraries = [str(packages / "nvidia_pytriton.libs"), str(venv.python.resolve().parents[1] / "lib")]
    variables = {
        "PYTHONPATH": str(packages),
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),  # the backend's own process is linked to libpython
        "PATH": f"{venv.python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    arguments = {
        "--model-repository": folder.absolute(),
        "--backend-directory": server / "backends",
        "--http-address": host,
        "--http-port": http_port,
        "--grpc-address": host,
        "--grpc-port": grpc_port,
        "--allow-metrics": "false",
        "--exit-timeout-secs": 2,
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    return _run([str(server / "bin/tritonserver"), *words], variables)


def _run(command: list[str], variables: dict[str, str]) -> int:
    """Run the server until it ends or a signal comes; it ends with 0 then, and we as all our servers do."""
    try:
        with Children() as children:
            process = children.start(command, Path(), variables, stdin=subprocess.DEVNULL)
            assert process is not None, "nothing has stopped the children yet"
            code = children.wait(process)
    except Interrupted as stop:
        return stop.exit_code
    return code if code >= 0 else 128 - code


def _check(folder: Path) -> None:
    """Refuse what the server answers with a page of messages, or with silence: a model without its model.py.

    Raises:
        InputError: The folder is no model repository for this server.
    """
    configs = sorted(folder.glob("*/config.pbtxt"))
    if not configs:
        raise InputError(f"{folder} holds no <model>/config.pbtxt; `scratch export NN --format triton` makes one")
    for config in configs:
        found = re.search(r'^backend: "(\w+)"', config.read_text("utf-8", errors="replace"), re.MULTILINE)
        if found is None or found[1] != "python":
            raise InputError(
                f"{config} asks for another backend than Python's, the only one here; export again with "
                "--triton-backend python, or take NVIDIA's container"
            )
        if not (config.parent / "1/model.py").is_file():
            raise InputError(f"{config.parent} has no 1/model.py; export it again")


def _plain(path: Path) -> None:
    """Refuse a path that a shell would not take as it is: the Python backend starts its process through one, and waits.

    Raises:
        InputError: It has a space, for instance.
    """
    if not re.fullmatch(r"[\w@%+=:,./-]+", str(path)):
        raise InputError(f"Triton cannot start a model in '{path}': move it to a path of letters, digits and ._-/ only")


def _complete(server: Path, python: str) -> None:
    """Put the part of the Python backend that is made for this version of Python beside the rest of it.

    Raises:
        RunError: There is none, or it cannot be written.
    """
    backend = server / "backends/python"
    part = server / "python_backend_stubs" / python / _STUB
    if not part.is_file():
        raise RunError(f"this Triton has no backend for Python {python}")
    try:
        if not (backend / _STUB).exists():
            shutil.copy(part, backend)
    except OSError as error:
        raise cannot_write(backend, error) from error
