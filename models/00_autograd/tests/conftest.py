"""What several test files of the chapter need."""

from collections.abc import Iterator

import jaxtyping
import pytest


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Checking types and shapes at each call doubles the time of a run; the other tests do it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
