"""One step of learning: what is accumulated, measured, clipped and updated, and in which order."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from engine.config import ExperimentConfig, HardwareConfig
from engine.device.hardware import Hardware
from engine.loop.step import GradientStep, LearningRates, ManualStep, build_update
from utils.errors import InputError

Batch = tuple[Tensor, ...]
CPU = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=5)


class Regression(nn.Module):
    """Mean squared error over the examples."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        inputs, targets = batch
        return {"loss": (self.layers(inputs)[:, 0] - targets).square().mean()}


class Masked(Regression):
    """Mean squared error over the tokens that are not padding; an example has four of them."""

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        inputs, targets, lengths = batch
        mask = torch.arange(4) < lengths[:, None]
        errors = (self.layers(inputs) - targets[:, None] - torch.arange(4.0)).square()
        items = mask.sum()
        return {"loss": (errors * mask).sum() / items.clamp(min=1), "items": items}


def model(kind: type[Regression] = Regression) -> Regression:
    torch.manual_seed(0)
    return kind()


def data(n: int, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = torch.randn(n, 3, generator=generator), torch.randn(n, generator=generator)
    return inputs, targets, torch.randint(0, 5, (n,), generator=generator)


def parts(batch: Batch, sizes: list[int]) -> list[Batch]:
    return list(zip(*(part.split(sizes) for part in batch), strict=True))


def step_of(
    model: nn.Module, lr: float = 1.0, clip: float | None = None, hardware: Hardware = CPU
) -> tuple[GradientStep, list[list[Tensor]]]:
    """A step of gradient descent, and the gradients that its optimizer will see, call after call."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, fused=True)
    seen: list[list[Tensor]] = []

    def note(*_: Any) -> None:
        seen.append([p.grad.clone() for p in model.parameters() if p.grad is not None])

    optimizer.register_step_pre_hook(note)
    return GradientStep(model, optimizer, hardware, clip), seen


def gradient(model: Regression, batches: list[Batch]) -> list[Tensor]:
    step, seen = step_of(model)
    step(batches, 1.0, want_norm=False)
    return seen[0]


def norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(g.double().square().sum()) for g in gradients))


# ---- the learning rate ---------------------------------------------------------------------------------------------


def test_the_rate_of_a_restored_optimizer_is_that_of_the_step() -> None:
    optimizer = torch.optim.SGD(model().parameters(), lr=0.5)
    rates, seen = LearningRates(optimizer), []
    rates.scale(0.1)
    state = copy.deepcopy(optimizer.state_dict())
    for factor in (0.01, 0.01):
        rates.scale(factor)
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.load_state_dict(state)
    assert seen == [0.005, 0.005]


# ---- accumulation --------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(sizes=SIZES, seed=st.integers(0, 100))
def test_accumulated_batches_make_the_gradient_of_one_large_batch(sizes: list[int], seed: int) -> None:
    whole = data(sum(sizes), seed)[:2]
    one = gradient(model(), [whole])
    many = gradient(model(), parts(whole, sizes))
    for a, b in zip(one, many, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@settings(max_examples=50)
@given(sizes=SIZES, seed=st.integers(0, 100))
def test_a_loss_over_items_is_accumulated_over_items(sizes: list[int], seed: int) -> None:
    """Some passes may have no items at all."""
    whole = data(sum(sizes), seed)
    one = gradient(model(Masked), [whole])
    many = gradient(model(Masked), parts(whole, sizes))
    for a, b in zip(one, many, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_passes_without_a_single_item_teach_nothing() -> None:
    inputs, targets, _ = data(4)
    nothing = parts((inputs, targets, torch.zeros(4, dtype=torch.int64)), [2, 2])
    assert norm(gradient(model(Masked), nothing)) == 0.0


def test_the_outputs_of_every_pass_come_back_detached() -> None:
    whole = data(6)
    step, _ = step_of(model(Masked))
    outputs = step(parts(whole, [4, 2]), 1.0, want_norm=False)
    assert [output["items"].item() for output in outputs] == [whole[2][:4].sum().item(), whole[2][4:].sum().item()]
    assert not any(value.requires_grad for output in outputs for value in output.values())


# ---- norm and clipping ---------------------------------------------------------------------------------------------


@given(bound=st.floats(1e-3, 10), seed=st.integers(0, 100))
def test_the_norm_is_reported_as_it_was_before_clipping_and_is_the_bound_after(bound: float, seed: int) -> None:
    batch = data(5, seed)[:2]
    before = norm(gradient(model(), [batch]))
    step, seen = step_of(model(), clip=bound)
    (output,) = step([batch], 1.0, want_norm=False)
    assert output["gradient_norm"].item() == pytest.approx(before, rel=1e-5)
    assert norm(seen[0]) == pytest.approx(min(before, bound), rel=1e-4)


def test_clipping_keeps_the_direction() -> None:
    batch = data(5)[:2]
    free = gradient(model(), [batch])
    step, seen = step_of(model(), clip=0.01)
    step([batch], 1.0, want_norm=False)
    ratios = torch.cat([(a / b).flatten() for a, b in zip(seen[0], free, strict=True)])
    torch.testing.assert_close(ratios, ratios[0].expand_as(ratios), rtol=1e-4, atol=0)


def test_the_norm_is_measured_without_clipping_only_where_it_is_wanted() -> None:
    step, seen = step_of(model())
    batch = data(5)[:2]
    assert "gradient_norm" not in step([batch], 1.0, want_norm=False)[0]
    assert step([batch], 1.0, want_norm=True)[0]["gradient_norm"].item() == pytest.approx(norm(seen[1]), rel=1e-5)


def test_what_is_accumulated_is_clipped_as_a_whole() -> None:
    whole = data(7)[:2]
    step, seen = step_of(model(), clip=0.05)
    outputs = step(parts(whole, [3, 3, 1]), 1.0, want_norm=True)
    assert norm(seen[0]) == pytest.approx(0.05, rel=1e-4)
    assert outputs[0]["gradient_norm"].item() == pytest.approx(norm(gradient(model(), [whole])), rel=1e-4)
    assert all("gradient_norm" not in output for output in outputs[1:])


@pytest.fixture
def scaled() -> Hardware:
    """The CPU with the loss scale of fp16, which there needs a GPU; the rest of the step is the same."""
    hardware = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
    hardware.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    return hardware


@pytest.mark.parametrize("bound", [0.05, 1e6])
def test_what_is_measured_and_clipped_is_the_gradient_without_the_loss_scale(scaled: Hardware, bound: float) -> None:
    network, batch = model(), data(5)[:2]
    weights = [parameter.detach().clone() for parameter in network.parameters()]
    before = norm(gradient(model(), [batch]))
    step, seen = step_of(network, clip=bound, hardware=scaled)
    (output,) = step([batch], 1.0, want_norm=False)
    assert output["gradient_norm"].item() == pytest.approx(before, rel=1e-5)
    assert norm(seen[0]) == pytest.approx(min(before, bound), rel=1e-4)
    for old, new, moved in zip(weights, network.parameters(), seen[0], strict=True):
        torch.testing.assert_close(new.detach(), old - moved)


def test_a_step_whose_gradient_the_loss_scale_overflowed_is_left_out(scaled: Hardware) -> None:
    scaled.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    network = model()
    weights = [parameter.detach().clone() for parameter in network.parameters()]
    inputs, targets, _ = data(5)
    step, _ = step_of(network, clip=1.0, hardware=scaled)
    step([(inputs, 100 * targets)], 1.0, want_norm=False)
    assert all(torch.equal(old, new) for old, new in zip(weights, network.parameters(), strict=True))
    assert scaled.scaler.get_scale() == 2.0**126


# ---- the update ----------------------------------------------------------------------------------------------------


def test_a_step_moves_the_weights_against_the_gradient_by_the_scheduled_rate() -> None:
    trained = model()
    before = [p.detach().clone() for p in trained.parameters()]
    step, seen = step_of(trained, lr=0.5)
    step([data(5)[:2]], 0.1, want_norm=False)
    for p, old, g in zip(trained.parameters(), before, seen[0], strict=True):
        torch.testing.assert_close(p.detach(), old - 0.5 * 0.1 * g)


class Operations(TorchDispatchMode):
    """Counts what torch is asked to compute."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_a_step_asks_torch_for_no_more_than_a_loop_by_hand() -> None:
    batch, by_hand = data(5)[:2], model()
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=1.0, fused=True)
    step = GradientStep(ours := model(), torch.optim.SGD(ours.parameters(), lr=1.0, fused=True), CPU, None)
    with Operations() as wanted:
        loss = by_hand.training_step(batch)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.detach()
    with Operations() as asked:
        step([batch], 1.0, want_norm=False)
    assert 0 < asked.count <= wanted.count


def test_the_rate_of_a_step_does_not_depend_on_earlier_ones() -> None:
    step, _ = step_of(model(), lr=0.5)
    for factor in (0.1, 0.1, 1.0):
        step([data(5)[:2]], factor, want_norm=False)
        assert step.optimizer.param_groups[0]["lr"] == 0.5 * factor


def test_groups_keep_their_own_rates() -> None:
    trained = model()
    groups = [{"params": [p], "lr": lr} for p, lr in zip(trained.parameters(), (1.0, 2.0, 3.0, 4.0), strict=True)]
    optimizer = torch.optim.SGD(groups, lr=9.0)
    GradientStep(trained, optimizer, CPU, None)([data(5)[:2]], 0.5, want_norm=False)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 1.0, 1.5, 2.0]


def test_no_gradient_is_left_for_the_next_step() -> None:
    trained = model()
    batch = data(5)[:2]
    step, seen = step_of(trained, lr=1e-30)
    step([batch], 1.0, want_norm=False)
    assert all(p.grad is None for p in trained.parameters())
    step([batch], 1.0, want_norm=False)
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


def test_parameters_without_a_gradient_are_left_alone() -> None:
    trained = model()
    trained.layers[0].requires_grad_(False)
    before = copy.deepcopy(trained.layers[0].state_dict())
    step, seen = step_of(trained, clip=0.1)
    step(parts(data(5)[:2], [3, 2]), 1.0, want_norm=True)
    assert len(seen[0]) == 2
    assert all(torch.equal(before[name], value) for name, value in trained.layers[0].state_dict().items())


def test_in_bf16_the_forward_pass_is_rounded_and_the_weights_are_not() -> None:
    class Watched(Regression):
        dtypes: set[torch.dtype]

        def training_step(self, batch: Batch) -> dict[str, Tensor]:
            self.dtypes = {self.layers(batch[0]).dtype}
            return super().training_step(batch)

    trained = model(Watched)
    bf16 = Hardware(HardwareConfig(device="cpu", strategy="none", precision="bf16", threads=None, peak_flops=None))
    step, seen = step_of(trained, hardware=bf16)
    step(parts(data(6)[:2], [4, 2]), 1.0, want_norm=True)
    assert trained.dtypes == {torch.bfloat16}
    assert {tensor.dtype for tensor in [*trained.parameters(), *seen[0]]} == {torch.float32}
    for a, b in zip(seen[0], gradient(model(), [data(6)[:2]]), strict=True):
        torch.testing.assert_close(a, b, rtol=0.1, atol=0.05)


# ---- half precision with a loss scale, as far as a CPU can show it ------------------------------------------------


def half(scale: float, growth_interval: int = 2000) -> Hardware:
    """fp16 with a loss scale, on the CPU; `Hardware` itself grants it on a GPU only."""
    hardware = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
    hardware.dtype = torch.float16
    hardware.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=growth_interval)
    return hardware


@pytest.mark.parametrize("scale", [1.0, 2.0**10])
@pytest.mark.parametrize("sizes", [[6], [4, 2]])
def test_the_optimizer_sees_the_gradient_without_the_scale(scale: float, sizes: list[int]) -> None:
    """Scaled by a power of two, so that but for small numbers nothing is rounded otherwise."""
    step, seen = step_of(model(), hardware=half(scale))
    step(parts(data(6)[:2], sizes), 1.0, want_norm=False)
    for a, b in zip(seen[0], gradient(model(), [data(6)[:2]]), strict=True):
        torch.testing.assert_close(a, b, rtol=0.02, atol=0.005)


def test_the_norm_is_that_of_the_unscaled_gradient_and_is_clipped_after_unscaling() -> None:
    before = norm(gradient(model(), [data(5)[:2]]))
    step, seen = step_of(model(), clip=0.05, hardware=half(2.0**10))
    (output,) = step([data(5)[:2]], 1.0, want_norm=True)
    assert output["gradient_norm"].item() == pytest.approx(before, rel=0.02)
    assert norm(seen[0]) == pytest.approx(0.05, rel=1e-3)
    assert (output["skipped_steps"].item(), output["loss_scale"].item()) == (0.0, 2.0**10)


def test_a_step_whose_scaled_gradient_overflows_leaves_the_weights_alone_says_so_and_halves_the_scale() -> None:
    trained, hardware = model(), half(2.0**40)
    before = copy.deepcopy(trained.state_dict())
    step, _ = step_of(trained, hardware=hardware)
    (output,) = step([data(5)[:2]], 1.0, want_norm=True)
    assert output["skipped_steps"].item() == 1.0 and not output["gradient_norm"].isfinite()
    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items())
    assert hardware.scaler.get_scale() == 2.0**39


def test_after_enough_good_steps_the_scale_grows() -> None:
    hardware = half(2.0**4, growth_interval=2)
    step, _ = step_of(model(), lr=0.01, hardware=hardware)
    for _ in range(4):
        step([data(5)[:2]], 1.0, want_norm=False)
    assert hardware.scaler.get_scale() == 2.0**6


def test_a_model_that_updates_itself_gets_no_scale_and_is_refused_fp16(
    experiment: Callable[..., ExperimentConfig],
) -> None:
    with pytest.raises(InputError, match="this model makes its own update, and fp16 needs its losses scaled"):
        build_update(experiment(), Counter(), {}, half(1.0))


def test_momentum_is_nothing_before_the_first_step_that_counts() -> None:
    """torch's fused SGD would leave in it what the memory held."""
    trained, hardware = model(), half(2.0**40)
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9, fused=True)
    step = GradientStep(trained, optimizer, hardware, clip_norm=None)
    (output,) = step([data(5)[:2]], 1.0, want_norm=True)
    assert output["skipped_steps"].item() == 1.0
    assert all(not state["momentum_buffer"].any() for state in optimizer.state.values())


def test_momentum_under_a_loss_scale_begins_as_it_does_without(scaled: Hardware) -> None:
    found = []
    for hardware in (CPU, scaled):
        trained = model()
        optimizer = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9, nesterov=True, fused=True)
        step = GradientStep(trained, optimizer, hardware, clip_norm=None)
        for _ in range(3):
            step([data(5)[:2]], 1.0, want_norm=False)
        found.append(list(trained.parameters()))
    for plain, with_scale in zip(*found, strict=True):
        torch.testing.assert_close(plain, with_scale, rtol=1e-6, atol=1e-7)


def test_a_rule_without_an_optimizer_is_refused_half_precision(experiment: Callable[..., ExperimentConfig]) -> None:
    bf16 = Hardware(HardwareConfig(device="cpu", strategy="none", precision="bf16", threads=None, peak_flops=None))
    with pytest.raises(InputError, match="a rule of its own, without an optimizer, in full precision: use fp32"):
        build_update(experiment(), Counter(), {}, bf16)


# ---- models that update themselves ---------------------------------------------------------------------------------


class Counter(nn.Module):
    """Adds the mean of what it sees to its only number."""

    automatic_optimization = False

    def __init__(self) -> None:
        super().__init__()
        self.total = nn.Parameter(torch.zeros(()))
        self.rates: list[float] = []

    def training_step(self, batch: Batch, optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
        self.rates += [optimizer.param_groups[0]["lr"] for optimizer in optimizers.values()]
        with torch.no_grad():
            self.total.add_(batch[0].mean())
        return {"loss": self.total * 1}


def test_a_model_may_make_its_own_update() -> None:
    counter = Counter()
    outputs = ManualStep(counter, {}, CPU)([(torch.ones(3),)], 1.0, want_norm=True)
    assert counter.total.item() == 1.0
    assert outputs[0].keys() == {"loss"} and not outputs[0]["loss"].requires_grad


def test_a_model_that_updates_itself_gets_its_optimizers_at_the_scheduled_rates() -> None:
    counter = Counter()
    optimizers: dict[str, Any] = {
        "fast": torch.optim.SGD(counter.parameters(), lr=1.0),
        "slow": torch.optim.SGD(counter.parameters(), lr=0.1),
    }
    step = ManualStep(counter, optimizers, CPU)
    for factor in (1.0, 0.5, 0.5):
        step([(torch.ones(3),)], factor, want_norm=False)
    assert counter.rates == [1.0, 0.1, 0.5, 0.05, 0.5, 0.05]


def test_the_model_says_how_it_learns(experiment: Callable[..., ExperimentConfig]) -> None:
    assert isinstance(build_update(experiment(), Counter(), {}, CPU), ManualStep)
    trained = model()
    optimizers: dict[str, torch.optim.Optimizer] = {"all": torch.optim.SGD(trained.parameters())}
    step = build_update(experiment(trainer={"clip_norm": 2.0}), trained, optimizers, CPU)
    assert isinstance(step, GradientStep) and step.clip_norm == 2.0


@pytest.mark.parametrize("trainer", [{"accumulate": 2}, {"clip_norm": 1.0}])
def test_what_only_the_engine_can_do_is_refused_for_a_model_that_updates_itself(
    experiment: Callable[..., ExperimentConfig], trainer: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=r"trainer\.accumulate must be 1 and trainer\.clip_norm null"):
        build_update(experiment(trainer=trainer), Counter(), {}, CPU)
