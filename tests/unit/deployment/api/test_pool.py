"""Work that does not come to an end is noticed."""

import threading
import time

from deployment.api.pool import WatchedPool


def test_the_age_of_the_oldest_work_is_known_until_it_is_done() -> None:
    pool, go = WatchedPool(1, "test"), threading.Event()
    assert pool.oldest() == 0
    running, waiting = pool.submit(go.wait), pool.submit(int)
    time.sleep(0.05)
    pool.submit(int)
    assert pool.oldest() >= 0.05
    assert waiting.cancel() and pool.oldest() >= 0.05
    go.set()
    running.result(10)
    pool.submit(int).result(10)
    pool.shutdown()
    assert pool.oldest() == 0


def test_work_that_fails_is_forgotten() -> None:
    pool = WatchedPool(1, "test")
    assert isinstance(pool.submit(int, "x").exception(10), ValueError)
    pool.shutdown()
    assert pool.oldest() == 0
