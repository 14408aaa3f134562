"""Learning rates as pure functions of the step, against torch's own schedulers."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch.optim import lr_scheduler

from engine.config import SchedulerConfig
from engine.duration import Duration
from engine.loop.lr_schedule import Schedule, schedule

TOTAL = 50


def made(total: int = TOTAL, **fields: Any) -> Schedule:
    config: Any = TypeAdapter(SchedulerConfig).validate_python({"warmup": None, **fields})

    def to_steps(duration: Duration) -> int:
        return duration.steps(steps_per_epoch=10, examples_per_step=4)

    return schedule(config, total, to_steps)


def by_torch(kind: Any, **arguments: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = kind(optimizer, **arguments)
    factors = []
    for _ in range(TOTAL):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"name": "constant"}, (lr_scheduler.ConstantLR, {"factor": 1.0})),
        (
            {"name": "linear", "final": 0.1},
            (lr_scheduler.LinearLR, {"start_factor": 1.0, "end_factor": 0.1, "total_iters": TOTAL}),
        ),
        ({"name": "cosine", "final": 0.1}, (lr_scheduler.CosineAnnealingLR, {"T_max": TOTAL, "eta_min": 0.1})),
        ({"name": "step", "every": "7 steps", "factor": 0.5}, (lr_scheduler.StepLR, {"step_size": 7, "gamma": 0.5})),
        ({"name": "step", "every": "1 epoch", "factor": 0.5}, (lr_scheduler.StepLR, {"step_size": 10, "gamma": 0.5})),
        (
            {"name": "constant", "warmup": "8 steps"},
            (lr_scheduler.LinearLR, {"start_factor": 1 / 8, "end_factor": 1.0, "total_iters": 7}),
        ),
    ],
    ids=["constant", "linear", "cosine", "step", "step in epochs", "warm-up"],
)
def test_a_schedule_agrees_with_torch(ours: dict[str, Any], theirs: tuple[Any, dict[str, Any]]) -> None:
    factor = made(**ours)
    expected = by_torch(theirs[0], **theirs[1])
    assert [factor(step) for step in range(TOTAL)] == pytest.approx(expected, abs=1e-12)


CONFIGS = st.one_of(
    st.fixed_dictionaries({"name": st.just("constant")}),
    st.fixed_dictionaries({"name": st.sampled_from(["linear", "cosine"]), "final": st.floats(0, 1)}),
    st.fixed_dictionaries({"name": st.just("step"), "every": st.just("5 steps"), "factor": st.floats(0.1, 1)}),
)
WARMUPS = st.none() | st.integers(1, 80).map(lambda n: f"{n} steps")


@given(config=CONFIGS, warmup=WARMUPS, steps=st.permutations(range(TOTAL)))
def test_a_factor_depends_on_the_step_alone(config: dict[str, Any], warmup: str | None, steps: list[int]) -> None:
    factor, again = made(**config, warmup=warmup), made(**config, warmup=warmup)
    in_order = [factor(step) for step in range(TOTAL)]
    assert {step: again(step) for step in steps} == dict(enumerate(in_order))


@given(config=CONFIGS, warmup=WARMUPS)
def test_the_rate_rises_to_its_full_value_and_never_rises_again(config: dict[str, Any], warmup: str | None) -> None:
    factor = made(**config, warmup=warmup)
    factors = [factor(step) for step in range(TOTAL)]
    assert all(0 <= value <= 1 for value in factors)
    top = min(int(warmup.split()[0]) if warmup else 0, TOTAL)
    assert factors[:top] == sorted(factors[:top])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if 0 < top < TOTAL:
        assert factors[top - 1] == factors[top] == 1.0


@given(config=CONFIGS, warmup=WARMUPS)
def test_the_first_step_learns_something(config: dict[str, Any], warmup: str | None) -> None:
    assert made(**config, warmup=warmup)(0) > 0


def test_decay_begins_where_the_warm_up_ends() -> None:
    with_warmup = made(name="cosine", final=0.0, warmup="10 steps")
    alone = made(total=TOTAL - 10, name="cosine", final=0.0)
    assert [with_warmup(10 + step) for step in range(40)] == [alone(step) for step in range(40)]


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_beyond_the_end_the_final_factor_is_kept(name: str) -> None:
    assert made(name=name, final=0.25)(10 * TOTAL) == pytest.approx(0.25)
