"""What a sweep varies, and what its settings default to."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from cli.sweep.request import Request
from cli.sweep.results import REPLACES, without_lost
from cli.sweep.space import Dimension, parse
from utils.errors import InputError


def test_ranges_choices_and_fixed_settings_are_told_apart() -> None:
    dimensions, fixed = parse(
        [
            "optimizer.lr=log(1e-4, 1)",
            "model.dropout=uniform(0,0.5)",
            "trainer.batch_size=int(4,64)",
            "seed=3",
            "model.layers=choice([4,4],[8])",
            "trainer.duration=3 epochs",
        ]
    )
    assert dimensions == [
        Dimension("optimizer.lr", "log", (1e-4, 1.0)),
        Dimension("model.dropout", "uniform", (0.0, 0.5)),
        Dimension("trainer.batch_size", "int", (4, 64)),
        Dimension("model.layers", "choice", ("[4,4]", "[8]")),
    ]
    assert fixed == ["seed=3", "trainer.duration=3 epochs"]


MISTAKES = {
    "nothing varies": (["seed=3"], "nothing varies"),
    "nothing at all": ([], "nothing varies"),
    "no key": (["=log(1,2)"], "cannot read '=log"),
    "no value": (["seed"], "cannot read 'seed'"),
    "twice": (["a=log(1,2)", "a=3"], "a is given twice"),
    "unknown kind": (["a=lgo(1,2)"], "unknown kind of values for a 'lgo', did you mean 'log'"),
    "words for numbers": (["a=log(one,2)"], "give two numbers"),
    "one number": (["a=uniform(1)"], "give two numbers"),
    "fractions for whole numbers": (["a=int(1,2.5)"], "give two whole numbers"),
    "the wrong way round": (["a=uniform(2,1)"], "the first number must be below the second"),
    "the logarithm of nothing": (["a=log(0,1)"], "and above 0"),
    "no end": (["a=uniform(0,inf)"], "must be below"),
    "no choice": (["a=choice(3)"], "two different values or more"),
    "the same twice": (["a=choice(3,3)"], "two different values or more"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake: str) -> None:
    arguments, part = MISTAKES[mistake]
    with pytest.raises(InputError) as caught:
        parse(arguments)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def request(folder: Path, **changes: Any) -> Request:
    asked = Request(str(folder), "xor", "xor", ("a=log(1,2)",), "", "", 5, 2, True, False, False)
    return Request(**{**asked.__dict__, **changes})


def test_the_metric_and_its_better_side_have_defaults(tmp_path: Path) -> None:
    settled = request(tmp_path).settled()
    assert (settled.metric, settled.mode) == ("validation/accuracy", "max")
    assert request(tmp_path, metric="train/loss").settled().mode == "min"
    assert request(tmp_path, metric="train/loss", mode="max").settled().mode == "max"


def test_a_request_survives_its_way_into_another_process(tmp_path: Path) -> None:
    settled = request(tmp_path).settled()
    assert Request.read(settled.to_json()) == settled


def test_a_resumed_sweep_keeps_what_it_was_started_with(tmp_path: Path) -> None:
    request(tmp_path, metric="train/loss").settled().save()
    resumed = request(tmp_path, arguments=(), resume=True, trials=9).settled()
    assert (resumed.arguments, resumed.metric, resumed.mode, resumed.trials) == (
        ("a=log(1,2)",),
        "train/loss",
        "min",
        9,
    )


def test_sweeps_are_not_mixed_up(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no sweep .* to resume"):
        request(tmp_path, resume=True).settled()
    request(tmp_path).settled().save()
    with pytest.raises(InputError, match="go on with --resume, or choose another --name"):
        request(tmp_path).settled()
    with pytest.raises(InputError, match=r"started otherwise: arguments is a=log\(1,2\), not a=log\(1,3\)"):
        request(tmp_path, resume=True, arguments=("a=log(1,3)",)).settled()
    (tmp_path / "outputs/sweeps/xor/sweep.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        request(tmp_path, resume=True).settled()


def test_a_trial_that_a_kill_left_behind_does_not_count_beside_the_one_that_replaces_it() -> None:
    study = optuna.create_study()
    for attributes in ({}, {"lost": True}, {REPLACES: 0}):  # the second as journals had it before
        study.add_trial(optuna.create_trial(state=TrialState.FAIL, user_attrs=attributes))
    assert [trial.number for trial in without_lost(study.trials)] == [2]
