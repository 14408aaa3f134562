import threading

import pytest

from utils.timeouts import Background


def test_a_call_in_time_gives_its_result() -> None:
    assert Background(lambda: 7).wait(5) == 7


def test_a_call_that_fails_raises_in_the_thread_that_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        Background(lambda: 1 // 0).wait(5)


def test_a_call_that_takes_too_long_is_given_up_and_may_be_waited_for_again() -> None:
    go_on = threading.Event()
    call = Background(lambda: go_on.wait())
    with pytest.raises(TimeoutError, match=r"no answer in 0\.01 s"):
        call.wait(0.01)
    go_on.set()
    assert call.wait(5) is True
