"""The wandb client as this project uses it: quiet, without a prompt, never waiting long, its files where we say.

The times below bound every wait; one after the other they stay within 15 seconds at the start of a run (connect,
answer, stop) and at its end (answer, upload twice, stop).
"""

import contextlib
import linecache
import os
import socket
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from utils.errors import InputError, RunError, ScratchError
from utils.timeouts import Background

ANSWER_SECONDS = 5
"""For a server to give its first answer."""
UPLOAD_SECONDS = 4
"""For an upload: of a checkpoint when it is logged, and of whatever is left when the run ends."""
STOP_SECONDS = 2
"""For wandb's own process to end."""

_CONNECT_SECONDS = 3
_KEY_REFUSED = ("not logged in", "unauthorized", "invalid api key", "relogin")


def open_client(folder: Path) -> Any:
    """Import wandb, silenced and with everything that it writes in `folder` (it would use the home folder).

    The user's settings and key stay where `wandb login` has put them. Returns the module.
    """
    folder = folder.resolve()
    os.environ.update(
        WANDB_DATA_DIR=str(folder / "data"),  # copies of the artifacts that are still to be uploaded
        WANDB_CACHE_DIR=str(folder / "cache"),
        WANDB_HTTP_TIMEOUT=str(ANSWER_SECONDS),
        WANDB_ERROR_REPORTING="false",  # wandb would report its own errors to its makers
    )
    import wandb

    linecache.clearcache()  # three megabytes: its classes have read their own source for what it says of fields
    wandb.setup(settings=wandb.Settings(silent=True))
    return wandb


def close_client(wandb: Any) -> None:
    """End wandb's own process; by force if it will not, as when it still retries a request nobody waits for."""
    process = _process(wandb)
    with contextlib.suppress(Exception):  # nothing of value is lost: runs are finished before
        Background(wandb.teardown).wait(STOP_SECONDS)
    if process is not None and process.poll() is None:
        process.kill()


def _process(wandb: Any) -> Any:
    """The `Popen` of wandb's process, if it runs. The client offers no way to it, so a name may be missing."""
    part: Any = wandb.setup()
    for name in ("_connection", "_proc", "_process"):
        part = getattr(part, name, None)
    return part


def mode(wandb: Any) -> str:
    """`online`, `offline` or `disabled`, as WANDB_MODE or the user's settings say."""
    chosen = str(wandb.setup().settings.mode)
    return {"dryrun": "offline", "run": "online", "shared": "online"}.get(chosen, chosen)


def require_login(wandb: Any) -> None:
    """Return if there is a key and a server to use it on; asks nobody and takes a few seconds at most.

    Raises:
        InputError: Nobody is logged in, or the key cannot be one.
        RunError: There is no way to the server.
    """
    try:
        logged_in = wandb.login(prompt=False, verify=False)
    except wandb.Error as error:
        raise InputError(f"the wandb key is broken ({first_line(error)}); run `wandb login`") from error
    if not logged_in:
        raise InputError("not logged in to wandb; run `wandb login`")
    url = wandb.setup().settings.base_url
    try:
        Background(lambda: _connect(url)).wait(_CONNECT_SECONDS)
    except OSError as error:  # TimeoutError is one of them
        raise RunError(f"no connection to wandb at {url} ({error.strerror or error})") from error


def _connect(url: str) -> None:
    """Open and close a connection to the server, or to the proxy on the way to it; OSError if that fails."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()


def explain(wandb: Any, error: Exception) -> ScratchError:
    """What an exception of the client means for the user, in one line."""
    url, reason = wandb.setup().settings.base_url, first_line(error)
    if "Timed out" in reason or "did not respond in time" in reason:
        return RunError(f"wandb at {url} does not answer")
    if any(text in reason.lower() for text in _KEY_REFUSED):
        return InputError(f"wandb refused the API key ({reason}); run `wandb login`")
    return RunError(f"wandb at {url} refused: {reason}")


def first_line(error: Exception) -> str:
    """The first line of an exception's text, without a full stop; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
