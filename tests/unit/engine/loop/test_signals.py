"""Ctrl-C and SIGTERM: noted at once, acted on in good order."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from engine.loop.stopping import StopSignals

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture(autouse=True)
def reached() -> Iterator[list[int]]:
    """The signals that got past the object under test; they would end a process."""
    found: list[int] = []
    before = {each: signal.signal(each, lambda n, _: found.append(n)) for each in (signal.SIGINT, signal.SIGTERM)}
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    signal.sigpending()  # a system call: Python runs its handlers after it


@BOTH
def test_a_first_signal_is_only_noted(number: int, reached: list[int]) -> None:
    with StopSignals() as signals:
        assert signals.received is None
        send(number)
        assert signals.received == number
    assert reached == []


@BOTH
def test_a_second_signal_does_what_it_always_did(number: int, reached: list[int]) -> None:
    with StopSignals():
        send(number)
        send(number)
    assert reached == [number]


def test_the_other_signal_counts_as_a_second_one(reached: list[int]) -> None:
    with StopSignals() as signals:
        send(signal.SIGTERM)
        send(signal.SIGINT)
        assert signals.received == signal.SIGTERM
    assert reached == [signal.SIGINT]


@BOTH
def test_afterwards_signals_do_what_they_always_did(number: int, reached: list[int]) -> None:
    with pytest.raises(ZeroDivisionError), StopSignals() as signals:
        raise ZeroDivisionError
    send(number)
    assert reached == [number] and signals.received is None


def test_a_thread_can_train_too_but_sees_no_signals() -> None:
    found: list[int | None] = []

    def train() -> None:
        with StopSignals() as signals:
            found.append(signals.received)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [None]


def test_one_object_serves_one_run_after_the_other(reached: list[int]) -> None:
    signals = StopSignals()
    for number in (signal.SIGINT, signal.SIGTERM):
        with signals:
            send(number)
        assert signals.received == number
    assert reached == []
