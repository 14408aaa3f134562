"""What is said when packages cannot be had."""

import pytest

from cli.installer import reason

PIP = """
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/click/
ERROR: Could not find a version that satisfies the requirement click==99 (from versions: none)
ERROR: No matching distribution found for click==99
"""
UV_OFFLINE = """
Using Python 3.11.7
error: Failed to fetch: `https://example.org/simple/click/`
  cause: Request failed after 3 retries in 8.8s
  cause: Connection refused (os error 111)
"""
UV_CONFLICT = """
error: No solution found when resolving dependencies
  cause: Because you require click==8.5.1 and click==99, we can conclude that your
    requirements are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (PIP, "Could not find a version that satisfies the requirement click==99 (from versions: none)"),
        (UV_OFFLINE, "Failed to fetch: `https://example.org/simple/click/`: Connection refused (os error 111)"),
        (
            UV_CONFLICT,
            "No solution found when resolving dependencies: "
            "Because you require click==8.5.1 and click==99, we can conclude that your",
        ),
        ("Killed\n", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_is_found_in_the_installers_output(output: str, expected: str) -> None:
    assert reason(output) == expected
