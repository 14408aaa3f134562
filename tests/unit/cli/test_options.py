"""Options that are passed on."""

from pathlib import Path

from cli.options import passed_on


def test_only_what_was_given_is_passed_on() -> None:
    given = {"--top": 3, "--threshold": -0.5, "--to": None, "--force": True, "--debug": False, "--empty": ""}
    assert passed_on(given) == ["--top", "3", "--threshold", "-0.5", "--force", "--empty", ""]


def test_paths_mean_the_same_in_another_folder() -> None:
    assert passed_on({"--to": Path("here")}) == ["--to", str(Path.cwd() / "here")]
