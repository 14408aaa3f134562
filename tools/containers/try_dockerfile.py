"""Does what a Dockerfile says without Docker: runs the steps of a target in an empty folder, and starts its command.

    python3 tools/containers/try_dockerfile.py --target api --env SCRATCH_API__SERVER__PORT=8123 \\
        --ask http://127.0.0.1:8123/v1/predict example.json -- --checkpoint model.pt --device cpu

What stands after `--` takes the place of CMD, as in `docker run IMAGE …`. Folders of the image, such as /venv, lie in
the empty folder; what COPY may take is decided by `.dockerignore`. The base image is a new virtual environment of this
Python, and USER, which must not be root, is whoever runs this. So it is tried that the steps work, that nothing is
missing, that new volumes would be that user's, that the server gets ready by its HEALTHCHECK, that it answers, and that
SIGTERM ends it; not tried are the base image and the rights of the user.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from dockerfile import Ignored, Instruction, Stage, filled, folders, given_away, needed, read, words

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from utils.terminal.environment import environment, uv_environment  # noqa: E402

READY = 180.0
"""Seconds until the HEALTHCHECK has to pass."""
STOPPED = 60.0
"""Seconds from SIGTERM to the end."""


def main() -> int:
    """Try it, and return the exit code: 1 where it does not work."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--file", type=Path, default=ROOT / "deployment/containers/Dockerfile")
    parser.add_argument("--target", required=True, help="the stage")
    parser.add_argument("--build-arg", action="append", default=[], type=_pair, metavar="NAME=VALUE")
    parser.add_argument("--env", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="for the command")
    parser.add_argument("--ask", nargs=2, metavar=("URL", "FILE"), help="what to send once it is ready")
    parser.add_argument("arguments", nargs="*", help="instead of CMD")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="try-") as scratch:
        try:
            image = build(options.file, options.target, dict(options.build_arg), Path(scratch))
            start(image, options.arguments, dict(options.env), options.ask)
        except (OSError, RuntimeError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{word}' is not NAME=VALUE")
    return name, value


class Image:
    """The files and the settings of a stage while it is made.

    Args:
        stage: What is made.
        scratch: The folder of everything.
        mapped: The folders of the image that lie in `scratch`.
    """

    def __init__(self, stage: Stage, scratch: Path, mapped: set[str]) -> None:
        self.stage = stage
        self.root = scratch / "root"
        self.env = {"PATH": f"{scratch / 'base/bin'}:/usr/local/bin:/usr/bin:/bin"}
        self.folder = "/"
        self.user = "root"
        self.owners: dict[str, str] = {}
        self.health: list[str] = []
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        names = "|".join(re.escape(folder.removeprefix("/")) for folder in sorted(mapped))
        self._mapped = re.compile(rf"(?<![\w./-])/({names})(?![\w.-])")

    def there(self, text: str) -> str:
        """`text` with the image's folders where they are."""
        return self._mapped.sub(lambda found: f"{self.root}/{found[1]}", text)

    def place(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")


def build(file: Path, target: str, given: Mapping[str, str], scratch: Path) -> Image:
    """Run the steps of `target` and of the stages that it needs; its files are in `scratch/root` afterwards.

    Raises:
        RuntimeError: A step failed.
        ValueError: The Dockerfile has no such target, or the image would run as root.
    """
    stages = read(file)
    if target not in stages:
        raise ValueError(f"{file} has no stage '{target}'; known: {', '.join(stages)}")
    subprocess.run([sys.executable, "-m", "venv", scratch / "base"], check=True, env=environment())
    images: dict[str, Image] = {}
    for stage in needed(stages, target):
        image = Image(stage, scratch, folders(stages))
        if stage.base in images:
            before = images[stage.base]
            image.env, image.folder, image.user = {**before.env}, before.folder, before.user
            image.owners = {**before.owners}
            _copy(scratch / "stages" / stage.base, image.root)
        image.place("/tmp").mkdir(parents=True, exist_ok=True)
        arguments: dict[str, str] = {}
        for name, text in stage.instructions:
            print(f"{stage.name}: {name} {text}"[:120], flush=True)
            _step(image, Instruction(name, text), arguments, given)
        images[stage.name] = image
        image.root.rename(_new(scratch / "stages" / stage.name))
    if image.user.split(":")[0] in ("", "0", "root"):
        raise ValueError(f"{target} runs as root; it needs a USER")
    (scratch / "stages" / target).rename(image.root)
    return image


def _step(image: Image, step: Instruction, arguments: dict[str, str], given: Mapping[str, str]) -> None:
    name, text = step
    known = {**arguments, **image.env}
    if name == "ARG":
        argument, _, default = text.partition("=")
        arguments[argument] = given.get(argument, default)
    elif name == "ENV":
        pairs = (pair.split("=", 1) for pair in image.there(text).split())
        image.env |= {key: filled(value, known) for key, value in pairs}
    elif name == "WORKDIR":
        image.folder = os.path.join(image.folder, filled(text, known))
        image.place(".").mkdir(parents=True, exist_ok=True)
    elif name == "VOLUME":
        for folder in words(text):
            if image.owners.get(folder, "root") != image.user:
                raise ValueError(f"a new volume at {folder} would be root's, and not that of {image.user} who runs")
    elif name == "COPY":
        _copy_step(image, filled(text, known).split())
    elif owners := given_away(step):  # whose they are is only noted: nobody but root can give files away
        image.owners |= owners
        for folder in owners:
            image.place(folder).mkdir(parents=True, exist_ok=True)
    elif name == "RUN":
        command = re.sub(r"^(--mount=\S+\s+)+", "", text)
        done = subprocess.run(
            ["sh", "-c", image.there(command)],
            cwd=image.place("."),
            env=_sources() | {"HOME": str(image.place("/tmp"))} | arguments | image.env | {"UV_LINK_MODE": "hardlink"},
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"exit code {done.returncode}: RUN {command}")
    elif name == "USER":
        image.user = filled(text, known)
    elif name == "HEALTHCHECK":
        image.health = words(text.partition("CMD ")[2]) if "CMD " in text else []
    elif name == "ENTRYPOINT":
        image.entrypoint = words(text)
    elif name == "CMD":
        image.command = words(text)


def _sources() -> dict[str, str]:
    """Where packages come from, as the caller has it, and uv's cache in place of the cache mounts."""
    mine = uv_environment(environment())
    kept = {name: value for name, value in mine.items() if re.match(r"(PIP|UV|SSL)_|(HTTPS?|NO)_PROXY$", name, re.I)}
    return {"UV_CACHE_DIR": str(Path.home() / ".cache/uv"), **kept}


def _copy_step(image: Image, given: list[str]) -> None:
    *sources, into = given
    if sources[0].startswith("--from="):
        stage = sources.pop(0).removeprefix("--from=")
        for source in sources:
            _copy(image.root.parent / "stages" / stage / source.lstrip("/"), image.place(into))
        return
    ignored = Ignored(ROOT / ".dockerignore")
    for source in sources:
        path = ROOT / source
        if ignored(source.rstrip("/")) or not path.exists():
            raise RuntimeError(f"COPY {source}: it is not there, or .dockerignore keeps it out")
        if path.is_dir():
            shutil.copytree(
                path,
                image.place(into),
                dirs_exist_ok=True,
                ignore=lambda folder, names: {
                    name for name in names if ignored(str(Path(folder, name).relative_to(ROOT)))
                },
            )
        else:
            target = image.place(into) / path.name if into.endswith("/") else image.place(into)
            shutil.copy2(path, _new(target))


def _copy(source: Path, into: Path) -> None:
    """A folder with all in it, by hard links: a step replaces files and does not write into them."""
    if source.exists():
        subprocess.run(["cp", "-al", source, _new(into)], check=True)


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def start(image: Image, arguments: list[str], given: Mapping[str, str], ask: tuple[str, str] | None) -> None:
    """Start what the image starts; a server is asked and stopped, anything else has to end well.

    Raises:
        RuntimeError: It did not get ready, did not answer, or did not end as it should.
    """
    command = [image.there(word) for word in image.entrypoint] + (arguments or [*map(image.there, image.command)])
    if not command:
        raise RuntimeError("it has neither ENTRYPOINT nor CMD")
    env = image.env | {"PYTHONNOUSERSITE": "1"} | dict(given)
    # What it writes goes to standard error: its lines would run into those of this program.
    with subprocess.Popen(command, cwd=image.place("."), env=env, stdout=sys.stderr) as process:
        try:
            if not image.health:
                if process.wait() != 0:
                    raise RuntimeError(f"it ended with exit code {process.returncode}")
                return
            deadline = time.monotonic() + READY
            while subprocess.run(image.health, env=env, capture_output=True, check=False).returncode != 0:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("its HEALTHCHECK did not pass")
                time.sleep(0.2)
            print("its HEALTHCHECK passes")
            if ask is not None:
                print(json.dumps(_answer(ask[0], Path(ask[1]))))
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOPPED)
            if code not in (0, 143, -signal.SIGTERM):
                raise RuntimeError(f"SIGTERM ended it with exit code {code}")
            print(f"SIGTERM ended it with exit code {code}")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(str(error)) from error
        finally:
            process.kill()


def _answer(url: str, file: Path) -> object:
    request = urllib.request.Request(url, file.read_bytes(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


if __name__ == "__main__":
    sys.exit(main())
