"""What the programs that the command line starts find in their environment."""

import os
from pathlib import Path

import pytest

from utils.terminal.environment import environment, uv_environment, with_cache


@pytest.fixture
def no_config(tmp_path: Path) -> dict[str, str]:
    """An environment in which pip has no config file but the machine's."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PIP_CONFIG_FILE": "/dev/null"}


def config_file(folder: Path, text: str) -> str:
    path = folder / "pip.conf"
    path.write_text(text)
    return str(path)


def test_bytecode_is_kept_by_what_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("KEPT", "yes")
    assert "PYTHONDONTWRITEBYTECODE" not in environment()
    assert environment()["KEPT"] == "yes"


def test_find_links_of_the_environment_are_passed_on_to_uv(no_config: dict[str, str]) -> None:
    env = uv_environment({**no_config, "PIP_FIND_LINKS": "/wheels https://example.org/wheels"})
    assert env["UV_FIND_LINKS"] == "/wheels,https://example.org/wheels"


def test_find_links_and_index_of_a_config_file_are_passed_on_to_uv(no_config: dict[str, str], tmp_path: Path) -> None:
    text = "[global]\nfind-links =\n    /wheels\n    /more\nindex-url = https://example.org/simple\n"
    env = uv_environment({**no_config, "PIP_CONFIG_FILE": config_file(tmp_path, text)})
    assert env["UV_FIND_LINKS"] == "/wheels,/more"
    assert env["UV_DEFAULT_INDEX"] == "https://example.org/simple"


@pytest.mark.parametrize("way", ["environment", "file"])
@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("cert", "/etc/ca.pem", {"SSL_CERT_FILE": "/etc/ca.pem"}),
        ("proxy", "proxy:3128", {"HTTPS_PROXY": "http://proxy:3128", "https_proxy": "http://proxy:3128"}),
        ("proxy", "socks5://proxy:1", {"HTTP_PROXY": "socks5://proxy:1"}),
        ("trusted-host", "a.example b.example:8443", {"UV_INSECURE_HOST": "a.example b.example:8443"}),
    ],
)
def test_how_to_reach_the_index_is_passed_on_to_uv(
    no_config: dict[str, str], tmp_path: Path, way: str, setting: str, value: str, expected: dict[str, str]
) -> None:
    if way == "file":
        given = {"PIP_CONFIG_FILE": config_file(tmp_path, f"[global]\n{setting} = {value}\n")}
    else:
        given = {f"PIP_{setting.upper().replace('-', '_')}": value}
    env = uv_environment({**no_config, **given})
    assert {name: env.get(name) for name in expected} == expected


def test_what_uv_is_told_of_its_own_wins(no_config: dict[str, str]) -> None:
    own = {"SSL_CERT_FILE": "/own.pem", "UV_INSECURE_HOST": "own"}
    env = uv_environment({**no_config, **own, "PIP_CERT": "/pip.pem", "PIP_TRUSTED_HOST": "other"})
    assert {name: env[name] for name in own} == own


def test_the_users_config_file_is_read(no_config: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "config/pip"
    folder.mkdir(parents=True)
    config_file(folder, "[install]\nindex-url = https://example.org/mine\n")
    del no_config["PIP_CONFIG_FILE"]
    assert uv_environment(no_config)["UV_DEFAULT_INDEX"] == "https://example.org/mine"


def test_the_environment_wins_over_the_config_file(no_config: dict[str, str], tmp_path: Path) -> None:
    file = config_file(tmp_path, "[global]\nindex-url = https://example.org/file\n")
    env = uv_environment({**no_config, "PIP_CONFIG_FILE": file, "PIP_INDEX_URL": "https://example.org/variable"})
    assert env["UV_DEFAULT_INDEX"] == "https://example.org/variable"


def test_the_extra_index_is_not_passed_on(no_config: dict[str, str], tmp_path: Path) -> None:
    file = config_file(tmp_path, "[global]\nextra-index-url = https://example.org/extra\n")
    env = uv_environment({**no_config, "PIP_CONFIG_FILE": file, "PIP_EXTRA_INDEX_URL": "https://example.org/extra"})
    assert not any(name.startswith("UV_") for name in env)


@pytest.mark.parametrize("own", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_a_setting_of_uv_itself_is_left_alone(no_config: dict[str, str], own: str) -> None:
    given = {own: "https://example.org/uv", "UV_FIND_LINKS": "/uv"}
    env = uv_environment({**no_config, **given, "PIP_INDEX_URL": "https://example.org/pip", "PIP_FIND_LINKS": "/pip"})
    assert {name: value for name, value in env.items() if name.startswith("UV_")} == given


def test_a_config_file_that_is_none_is_passed_over(no_config: dict[str, str], tmp_path: Path) -> None:
    env = uv_environment({**no_config, "PIP_CONFIG_FILE": config_file(tmp_path, "no section\n")})
    assert "UV_DEFAULT_INDEX" not in env


def test_a_user_without_a_home_gets_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "UV_CACHE_DIR" not in with_cache({"HOME": str(tmp_path)}, tmp_path / "other")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert with_cache({"HOME": "/nonexistent"}, tmp_path / "other")["UV_CACHE_DIR"] == str(tmp_path / "other")
    assert with_cache({"HOME": "/nonexistent", "UV_CACHE_DIR": "/own"}, tmp_path)["UV_CACHE_DIR"] == "/own"
