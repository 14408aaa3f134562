"""What goes wrong in MLflow, or below it, is told as what it is."""

import errno

import pytest
from mlflow.exceptions import MlflowException

from deployment.registry.failures import explained
from utils.errors import RunError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("wrapped", ["not", "as its cause", "in its text"])
def test_a_full_disk_is_called_one(number: int, wrapped: str) -> None:
    full = OSError(number, "no space")
    with pytest.raises(RunError, match=r"disk is full.*TMPDIR"), explained("sqlite:///registry.db"):
        if wrapped == "not":
            raise full
        if wrapped == "in its text":
            raise MlflowException(f"failures while downloading: {full}")
        try:
            raise full
        except OSError as error:
            raise MlflowException("please ensure that the path is correct") from error


def test_another_failure_is_not() -> None:
    with pytest.raises(RunError, match=r"refused: .*the path is correct"), explained("sqlite:///registry.db"):
        raise MlflowException("please ensure that the path is correct")
