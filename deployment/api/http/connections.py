"""How many connections there may be at once."""

import resource
import time

from deployment.api.log import Log

_OTHER_FILES = 64
"""That a process has open besides connections: the model, the registry, the log, libraries."""
_FEWEST = 8
_SILENT_SECONDS = 10.0


class ConnectionLimit:
    """The limit. It is below what the system lets the process open: beyond that nobody could connect, not even a probe.

    Args:
        wanted: By the settings.
        log: Told when the limit is reached, now and then.
    """

    def __init__(self, wanted: int, log: Log) -> None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.most = wanted if files == resource.RLIM_INFINITY else min(wanted, max(_FEWEST, files - _OTHER_FILES))
        self._log = log
        self._said = -_SILENT_SECONDS

    def reached(self) -> None:
        """One more has come than there may be."""
        now = time.monotonic()
        if now - self._said >= _SILENT_SECONDS:
            self._said = now
            message = "idle ones are closed for new ones; server.connections and `ulimit -n` limit them"
            self._log.write("warning", event="connections_full", most=self.most, message=message)
