"""The registry by the real MLflow: one database, asked directly and through a server."""

import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployment.registry.client import Registry, Version
from deployment.registry.transactions import add, move
from tests.doubles.mlflow_server import QUIET, free_port, mlflow_server
from tests.doubles.scripts import COMMAND, READY, Ended, call, finish, start
from utils.errors import InputError, RunError

pytestmark = [pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # in what MLflow uses

NAME = "01_toy"
RECORD = {"at": "2026-01-02T03:04:05Z", "by": "someone"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def at_once(folder: Path) -> list[Ended]:
    """Two processes that find no database and register."""
    script = """
import sys
from pathlib import Path
from deployment.registry.client import Registry
from deployment.registry.transactions import add
bundle = Path(sys.argv[2])
bundle.mkdir()
(bundle / "model.pt").write_text(bundle.name)
print(add(Registry(sys.argv[1], create=True), "04_at_once", bundle, {}).number)
"""
    uri, env = f"sqlite:///{folder}/mlflow.db", QUIET | _PATH
    started = [start("-P", "-c", script, uri, folder / str(i), env=env) for i in range(2)]
    return [finish(process, None) for process in started]


@pytest.fixture(scope="module")
def database(folder: Path, at_once: list[Ended]) -> Registry:
    return Registry(f"sqlite:///{folder}/mlflow.db")


@pytest.fixture(scope="module")
def server(folder: Path, database: Registry) -> Iterator[Registry]:
    with mlflow_server(folder / "server", folder / "mlflow.db") as url:
        yield Registry(url)


@pytest.fixture(params=["database", "server"])
def registry(request: pytest.FixtureRequest) -> Registry:
    found: Registry = request.getfixturevalue(request.param)
    return found


def register(registry: Registry, tmp_path: Path, content: str = "weights", name: str = NAME) -> Version:
    """A version with a small bundle."""
    bundle = tmp_path / "to register"
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir()
    (bundle / "model.pt").write_text(content)
    (bundle / "config.yaml").write_text("seed: 0\n")
    return add(registry, name, bundle, {"run_id": "and-0"})


def test_a_version_is_found_by_its_number_and_its_alias_and_comes_whole(registry: Registry, tmp_path: Path) -> None:
    version = register(registry, tmp_path)
    move(registry, "prod", version, RECORD)
    for which in ("prod", str(version.number)):
        found = registry.resolve(NAME, which)
        assert (found.number, found.digest, found.aliases) == (version.number, version.digest, ("prod",))
    folder = registry.fetch(found, tmp_path / "loaded")
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "manifest.json", "model.pt"]
    assert (folder / "model.pt").read_text() == "weights"
    assert registry.fetch(found, folder) == folder  # it is there: nothing to do
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_alias_moves_from_one_version_to_another_with_a_record(registry: Registry, tmp_path: Path) -> None:
    first, second = (register(registry, tmp_path, content) for content in ("first", "second"))
    for version in (first, second):
        move(registry, "staging", version, RECORD)
        assert registry.aliases(NAME)["staging"] == version.number
    versions = {version.number: version for version in registry.versions(NAME)}
    assert "staging" not in versions[first.number].aliases
    assert versions[second.number].aliases == ("staging",)
    assert '"by": "someone"' in versions[first.number].tags["promotion 2026-01-02T03:04:05Z staging"]


def test_an_archived_version_that_is_used_again_is_archived_no_more(database: Registry, tmp_path: Path) -> None:
    version = register(database, tmp_path)
    move(database, "archived", version, RECORD)
    move(database, "dev", database.resolve(NAME, "archived"), RECORD)
    assert database.resolve(NAME, "dev").aliases == ("dev",)


def test_whatever_is_wrong_in_a_question_is_named(registry: Registry, tmp_path: Path) -> None:
    number = register(registry, tmp_path).number
    for name, which, said in [
        (NAME, "prodd", "unknown alias 'prodd', did you mean 'prod'"),
        (NAME, "999", f"{NAME} has no version 999; it has .*{number}"),
        (NAME, "9" * 26, f"{NAME} has no version 9{{26}}; it has .*{number}"),
        (NAME, "9" * 5000, f"{NAME} has no version 9{{40}}; it has .*{number}"),
        ("01_toi", "1", f"no model '01_toi' is registered, did you mean '{NAME}'"),
        ("../01_toy", "prod", "no model '../01_toy' is registered"),
        ("x' or name like '%", "1", "no model .* is registered"),
    ]:
        with pytest.raises(InputError, match=said):
            registry.resolve(name, which)
    register(registry, tmp_path, name="02_other")
    with pytest.raises(InputError, match="no version of 02_other is prod; its aliases: none"):
        registry.resolve("02_other", "prod")


def test_registrations_at_once_become_versions_of_their_own(registry: Registry, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    for each in folders:
        each.mkdir()
    name = f"03_at_once_{'server' if 'http' in registry.uri else 'database'}"
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda each: register(registry, each, each.name, name), folders))
    assert sorted(version.number for version in made) == [1, 2, 3]
    for version, each in zip(made, folders, strict=True):
        got = registry.fetch(registry.resolve(name, str(version.number)), each / "loaded")
        assert (got / "model.pt").read_text() == each.name


def test_processes_that_register_at_once_in_a_new_database_become_versions_of_their_own(at_once: list[Ended]) -> None:
    assert [each.stderr for each in at_once] == ["", ""]
    assert sorted(each.stdout.strip() for each in at_once) == ["1", "2"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("model.pt", "model.pt is not what was registered"),
        ("manifest.json", "manifest.json is not the one that was registered"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_refused(
    registry: Registry, folder: Path, tmp_path: Path, file: str, said: str
) -> None:
    version = register(registry, tmp_path)
    (stored,) = folder.rglob(f"{version.run}/artifacts/bundle/{file}")
    stored.write_text(stored.read_text() + " ")
    with pytest.raises(RunError, match=said):
        registry.fetch(version, tmp_path / "loaded")
    assert not (tmp_path / "loaded").exists()


def test_a_bundle_that_lost_a_file_is_refused(registry: Registry, folder: Path, tmp_path: Path) -> None:
    version = register(registry, tmp_path)
    (stored,) = folder.rglob(f"{version.run}/artifacts/bundle/model.pt")
    stored.unlink()
    with pytest.raises(RunError):
        registry.fetch(version, tmp_path / "loaded")
    assert not (tmp_path / "loaded").exists()


def test_a_version_that_someone_else_made_is_refused(database: Registry, tmp_path: Path) -> None:
    version = register(database, tmp_path)
    database.client.delete_model_version_tag(NAME, str(version.number), "bundle")
    with pytest.raises(RunError, match="is not the one that was registered"):
        database.fetch(database.resolve(NAME, str(version.number)), tmp_path / "loaded")


def test_a_folder_with_something_else_is_left_alone(database: Registry, tmp_path: Path) -> None:
    version = register(database, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty; choose another folder"):
        database.fetch(version, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("below", ["", "folder/bundle"])
def test_a_file_in_the_place_of_the_folder_is_told_and_left_alone(
    database: Registry, tmp_path: Path, below: str
) -> None:
    version = register(database, tmp_path)
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match=r"mine is no folder; choose another place for the bundle of 01_toy version"):
        database.fetch(version, tmp_path / "mine" / below)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_registration_that_fails_halfway_leaves_no_version(
    database: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(database.versions(register(database, tmp_path).name))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(database.client, "log_artifacts", full)
    with pytest.raises(RunError, match="the disk is full"):
        register(database, tmp_path)
    assert len(database.versions(NAME)) == before


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    quick = QUIET | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = call(*COMMAND, "registry", "list", "--uri", url, env=quick | _PATH | READY)
    assert ended.code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: the registry {url} does not answer; is it running?")


def test_a_list_shows_versions_aliases_and_runs(database: Registry, tmp_path: Path) -> None:
    version = register(database, tmp_path, name="02_adaline")
    move(database, "dev", version, RECORD)
    models = call(*COMMAND, "registry", "list", "--uri", database.uri, env=QUIET | _PATH | READY)
    (row,) = [line for line in models.stdout.splitlines() if line.startswith("02_adaline")]
    assert row.split() == ["02_adaline", "1", "1", "-", "-", "-"]
    versions = call(*COMMAND, "registry", "list", "02_adaline", "--uri", database.uri, env=QUIET | _PATH | READY)
    assert versions.stdout.splitlines()[2].split()[:3] == ["1", "dev", "and-0"]
    assert models.stderr == versions.stderr == ""


_PATH = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
