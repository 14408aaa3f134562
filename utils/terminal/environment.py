"""The environment variables of what is started; standard library only."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def environment() -> dict[str, str]:
    """This process's environment, but that bytecode is kept: without it torch takes three times as long to import."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def uv_environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with pip's package sources, and how to reach them, passed on to uv, which reads none of pip's settings.

    The extra index is left out on purpose: uv takes a package from the first index that has its name, whatever the
    version, and would install older ones. A setting of uv's own is never overridden.
    """
    settings = _pip_settings(env)
    result = dict(env)
    if links := settings.get("find-links"):
        result.setdefault("UV_FIND_LINKS", ",".join(links.split()))
    if (index := settings.get("index-url")) and "UV_INDEX_URL" not in env:
        result.setdefault("UV_DEFAULT_INDEX", index)
    if certificates := settings.get("cert"):
        result.setdefault("SSL_CERT_FILE", certificates)
    if proxy := settings.get("proxy"):
        for scheme in ("HTTP_PROXY", "HTTPS_PROXY"):  # pip's own setting wins over these, in both spellings
            result[scheme] = result[scheme.lower()] = proxy if "://" in proxy else f"http://{proxy}"
    if hosts := settings.get("trusted-host"):
        result.setdefault("UV_INSECURE_HOST", " ".join(hosts.split()))
    return result


def with_cache(env: Mapping[str, str], otherwise: Path) -> dict[str, str]:
    """`env` with a cache folder for uv where the home folder can hold none, as that of a user without an account."""
    home = Path(env.get("XDG_CACHE_HOME") or env.get("HOME") or os.path.expanduser("~"))
    existing = next((folder for folder in (home, *home.parents) if folder.exists()), Path("/"))
    return dict(env) if os.access(existing, os.W_OK) else {"UV_CACHE_DIR": str(otherwise), **env}


def _pip_settings(env: Mapping[str, str]) -> dict[str, str]:
    """pip's settings, in its own order: the environment, PIP_CONFIG_FILE, the user's file, the machine's."""
    import configparser

    settings: dict[str, str] = {}
    for path in _pip_config_files(env):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself will complain about it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= dict(parser.items(section))
    for name in ("find-links", "index-url", "cert", "proxy", "trusted-host"):
        variable = "PIP_" + name.upper().replace("-", "_")
        if env.get(variable):
            settings[name] = env[variable]
    return settings


def _pip_config_files(env: Mapping[str, str]) -> list[Path]:
    """Where pip looks, least important first."""
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    chosen = env.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    machine = [Path(folder, "pip/pip.conf") for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")]
    user = [home / ".pip/pip.conf", Path(env.get("XDG_CONFIG_HOME") or home / ".config", "pip/pip.conf")]
    if sys.platform == "darwin":
        machine.append(Path("/Library/Application Support/pip/pip.conf"))
        user.append(home / "Library/Application Support/pip/pip.conf")
    machine.append(Path("/etc/pip.conf"))
    if chosen and Path(chosen).exists():
        return [*machine, Path(chosen)]  # instead of the user's
    return [*machine, *user]
