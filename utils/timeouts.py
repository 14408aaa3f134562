"""Waiting for something that may never come, and only so long."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class Background(Generic[Result]):
    """A call on a thread of its own, which does not keep the process alive.

    Args:
        function: Called at once, without arguments.
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._outcome: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Result:
        """What the function returned, or raises what it raised.

        Raises:
            TimeoutError: It has not returned after `seconds`; it goes on, and may be waited for again.
        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"no answer in {seconds:g} s")
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def _run(self, *_: Any) -> None:
        try:
            self._outcome.append(self._function())
        except BaseException as error:  # handed to whoever waits
            self._error = error
