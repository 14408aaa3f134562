"""Settings and keys of the server of predictions: where they come from, and what will not do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from deployment.api.http.keys import VARIABLE, Keys, read_keys
from deployment.api.model.predict import _unless_gone
from deployment.api.settings import read_settings
from utils.errors import InputError

KEY = "0123456789abcdef"


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("batching: {max_examples: 2, max_wait_ms: 2, threads: 2}\n")
    environment = {"SCRATCH_API__BATCHING__MAX_WAIT_MS": "3", "SCRATCH_API__BATCHING__THREADS": "3", "OTHER": "1"}
    settings = read_settings(file, ["batching.threads=4", "server.host=::"], environment)
    assert settings.batching.model_dump() == {"max_examples": 2, "max_wait_ms": 3, "threads": 4}
    assert (settings.server.host, settings.server.port) == ("::", 8000)


@pytest.mark.parametrize("content", ["[]", "a: [", "batching: 3", "batching: {max_wait: 1}", "nothing: {}", "\x00"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(content)
    with pytest.raises(InputError):
        read_settings(file, environment={})


@pytest.mark.parametrize("name", ["SCRATCH_API__BATCHING", "SCRATCH_API__A__B__C", "SCRATCH_API__BATCHING__NONE"])
def test_a_variable_that_is_no_setting_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        read_settings(environment={name: "1"})


@pytest.mark.parametrize("keys", [[], ["short"], [KEY, "with spaces in it all"], ["ключ" * 5], [KEY + "\n"]])
def test_keys_that_will_not_do_are_refused(keys: list[str]) -> None:
    with pytest.raises(InputError):
        Keys(keys)


def test_a_file_of_keys_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    file = tmp_path / "keys"
    file.write_text("an-other-key-of-many\n\n  a-second-key-of-many  \n")
    from_file, from_environment = read_keys(file), read_keys(None)
    assert from_file is not None and from_environment is not None
    assert from_file.allow([(b"authorization", b"Bearer a-second-key-of-many")])
    assert not from_file.allow([(b"authorization", f"Bearer {KEY}".encode())])
    assert from_environment.allow([(b"authorization", f"Bearer {KEY}".encode())])
    monkeypatch.delenv(VARIABLE)
    assert read_keys(None) is None
    with pytest.raises(InputError, match="cannot read"):
        read_keys(tmp_path / "none")


def test_work_is_given_up_when_the_client_leaves_and_only_then() -> None:
    async def scene() -> None:
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def work(answer: asyncio.Future[str]) -> str:
            return await answer

        request = Request({"type": "http"}, receive)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        done.set_result("answer")
        assert await _unless_gone(request, work(done)) == "answer"
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        left.set()
        with pytest.raises(ClientDisconnect):
            await _unless_gone(request, work(never))
        await asyncio.sleep(0)
        assert never.cancelled()

    asyncio.run(scene())
