"""Storing and recalling: what must matter, what must not, and what the engine is told."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from probes import flip, mixtures, overlap, places
from utils.errors import InputError

Make = Callable[..., Any]


def test_a_network_has_a_weight_for_each_ordered_pair_and_none_for_a_unit_with_itself(
    network: Make, signs: Make
) -> None:
    model = network(signs(3, 20))
    assert sum(parameter.numel() for parameter in model.parameters()) == 20 * 20
    assert int((model.weights != 0).sum()) == 20 * 19  # each pair twice, n (n - 1) / 2 pairs
    assert torch.equal(model.weights, model.weights.T)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_softmax_network_has_its_patterns_for_weights(network: Make, signs: Make) -> None:
    patterns = signs(7, 20)
    model = network(patterns, storage="softmax", order="synchronous", beta=0.5)
    (memory,) = model.parameters()
    assert torch.equal(memory, patterns)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize("settings", [{}, {"storage": "pseudo_inverse"}, {"storage": "softmax", "beta": 0.25}])
def test_the_order_and_the_batches_in_which_patterns_come_do_not_matter(
    blank: Make, signs: Make, settings: dict[str, Any]
) -> None:
    order = "synchronous" if "beta" in settings else "asynchronous"
    patterns, numbers = signs(20, 60), torch.arange(20)
    shuffled = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    at_once, in_parts = (blank(60, 20, order=order, **settings) for _ in range(2))
    at_once.training_step((patterns, numbers), {})
    for part in shuffled.split(7):
        in_parts.training_step((patterns[part], numbers[part]), {})
    for name, value in at_once.state_dict().items():
        torch.testing.assert_close(in_parts.state_dict()[name], value, atol=1e-5, rtol=0)
    found, again = (model.evaluation_step((patterns, numbers)) for model in (at_once, in_parts))
    assert torch.equal(found["predictions"], again["predictions"])
    torch.testing.assert_close(found["overlap"], again["overlap"], atol=1e-6, rtol=0)


def test_the_batches_in_which_patterns_are_asked_for_do_not_matter(network: Make, signs: Make) -> None:
    patterns, numbers = signs(12, 60), torch.arange(12)
    model = network(patterns, probes=3)
    whole = model.evaluation_step((patterns, numbers))
    parts = [model.evaluation_step(batch) for batch in zip(patterns.split(4), numbers.split(4), strict=True)]
    assert torch.equal(whole["predictions"], torch.cat([part["predictions"] for part in parts]))
    assert float(whole["overlap"]) == pytest.approx(sum(float(part["overlap"]) for part in parts) / 3)


@pytest.mark.usefixtures("shapes_unchecked")
def test_a_second_epoch_doubles_the_hebbian_weights_and_changes_no_recall(network: Make, signs: Make) -> None:
    patterns, numbers = signs(10, 60), torch.arange(10)
    once, twice = network(patterns), network(patterns)
    twice.training_step((patterns, numbers), {})
    torch.testing.assert_close(twice.weights, 2 * once.weights)
    found, again = (model.evaluation_step((patterns, numbers)) for model in (once, twice))
    assert torch.equal(found["predictions"], again["predictions"])
    assert float(found["overlap"]) == float(again["overlap"])


@pytest.mark.usefixtures("shapes_unchecked")
def test_a_few_patterns_come_back_from_copies_with_flipped_units(network: Make, signs: Make) -> None:
    patterns = signs(10, 200)
    found = network(patterns).evaluation_step((patterns, torch.arange(10)))
    assert torch.equal(found["predictions"], torch.arange(10))
    assert float(found["overlap"]) == float(found["settled"]) == 1


@pytest.mark.usefixtures("shapes_unchecked")
def test_too_many_patterns_are_lost_together(network: Make, signs: Make) -> None:
    patterns = signs(80, 200)
    assert network(patterns).measures()["overlap"] < 0.5
    assert network(patterns[:10]).measures()["overlap"] == 1


@pytest.mark.usefixtures("shapes_unchecked")
def test_patterns_with_much_in_common_break_hebbs_rule_and_not_the_projection(network: Make, signs: Make) -> None:
    patterns = torch.where(signs(10, 200) + signs(10, 200, seed=1) < 2, -1.0, 1.0)  # three of four units are -1
    assert network(patterns).measures()["stable"] == 0
    known = network(patterns, storage="pseudo_inverse").measures()
    assert known["stable"] == known["recalled"] == known["overlap"] == 1


def test_the_softmax_network_stores_many_times_more_patterns_than_it_has_units(network: Make, signs: Make) -> None:
    patterns = signs(500, 100)
    known = network(patterns, storage="softmax", order="synchronous", beta=0.5).measures()
    assert known["load"] == 5
    assert known["recalled"] == 1
    assert known["overlap"] > 0.99


def test_a_probe_has_just_so_many_units_flipped_each_time_others(network: Make, signs: Make) -> None:
    patterns = signs(6, 50)
    config = network(patterns, flipped=0.1, probes=4).config
    states = flip(patterns, torch.arange(6), config, 0)
    different = states != patterns.repeat_interleave(4, dim=0)
    assert different.sum(dim=1).tolist() == [5] * 24
    assert len({tuple(row) for row in different.tolist()}) == 24
    assert torch.equal(states, flip(patterns, torch.arange(6), config, 0))
    assert not torch.equal(states, flip(patterns, torch.arange(6), config, 1))
    assert torch.equal(states[8:12], flip(patterns[2:3], torch.tensor([2]), config, 0))


def test_overlap_is_one_for_equal_zero_for_half_and_minus_one_for_opposite_states(signs: Make) -> None:
    (pattern,) = signs(1, 8)
    half = pattern.clone()
    half[:4] *= -1
    found = overlap(torch.stack([pattern, half, -pattern]), pattern.expand(3, 8))
    assert found.tolist() == [1, 0, -1]


def test_the_mixtures_of_three_patterns_are_their_majorities_with_every_sign(signs: Make) -> None:
    patterns = signs(3, 30)
    found = mixtures(patterns)
    assert found.shape == (8, 30)
    assert len({tuple(row) for row in found.tolist()}) == 8
    assert torch.equal(found[0], patterns.sum(dim=0).sign())
    assert len(mixtures(signs(5, 30))) == 8 * 10
    assert len(mixtures(signs(2, 30))) == 0


def test_where_recalls_ended_is_counted(signs: Make) -> None:
    patterns = signs(4, 100)
    mixture = patterns[:3].sum(dim=0).sign()
    ends = torch.stack([patterns[0], patterns[3], -patterns[1], mixture, signs(1, 100, seed=9)[0]])
    found = {name: float(share) for name, share in places(ends, patterns).items()}
    assert found == pytest.approx({"in_pattern": 0.4, "in_negative": 0.2, "in_mixture": 0.2, "elsewhere": 0.2})


def test_what_nobody_stored_is_stable_too(network: Make, signs: Make) -> None:
    known = network(signs(3, 400), spurious=True).measures()
    assert known["stable"] == known["negatives_stable"] == known["mixtures_stable"] == 1


def test_an_empty_network_leaves_every_state_alone(blank: Make, signs: Make) -> None:
    patterns = signs(3, 20)
    assert blank(20, 3).measures() == {"load": 0}
    for settings in ({}, {"storage": "softmax", "order": "synchronous", "beta": 1.0}):
        model = blank(20, 3, flipped=0.25, **settings)
        assert [states.shape for states in model.recall(patterns)] == [(3, 20)]
        assert float(model.evaluation_step((patterns, torch.arange(3)))["overlap"]) == 0.5


def test_images_are_flattened(blank: Make, signs: Make) -> None:
    model = blank(8 * 8, 2)
    images = signs(2, 8 * 8).reshape(2, 1, 8, 8)
    model.training_step((images, torch.arange(2)), {})
    assert float(model.evaluation_step((images, torch.arange(2)))["overlap"]) == 1


def test_the_loss_is_the_mean_energy_of_the_patterns_now_that_they_are_stored(blank: Make) -> None:
    patterns = torch.tensor([[1.0, 1, -1, -1], [1.0, -1, 1, -1]])
    assert (
        float(blank(4, 2).training_step((patterns, torch.arange(2)), {})["loss"]) == -0.25
    )  # section 4 of the deep dive
    assert float(blank(4, 2).training_step((patterns[:1], torch.arange(1)), {})["loss"]) == -0.375


def test_inputs_that_are_no_signs_are_refused(blank: Make) -> None:
    with pytest.raises(InputError, match=r"stores patterns of \+1 and -1; take data.name=patterns"):
        blank(3).training_step((torch.tensor([[0.0, 1.0, -1.0]]), torch.tensor([0])), {})


def test_the_plots_get_recalls_that_end_where_the_others_do(network: Make, signs: Make) -> None:
    patterns = signs(30, 100)
    model = network(patterns)
    data = model.plot_data()
    assert [data[name].shape for name in ("patterns", "corrupted", "recalled")] == [(20, 100)] * 3
    assert data["energies"].shape == (len(data["times"]), 20)
    assert data["times"][:2] == [0.0, pytest.approx(0.05)]
    *_, ends = model.recall(torch.from_numpy(data["corrupted"]))
    assert torch.equal(torch.from_numpy(data["recalled"]), ends)
    leaps = network(patterns, order="synchronous", sweeps=3).plot_data()["times"]
    assert leaps == [0.0, 1.0, 2.0, 3.0][: len(leaps)]


def test_a_state_dict_brings_everything_back(network: Make, blank: Make, signs: Make) -> None:
    model, copy = network(signs(8, 40)), blank(40, 8)
    copy.load_state_dict(model.state_dict())
    assert copy.measures() == model.measures()


def test_every_sweep_goes_through_all_units_in_another_order_that_the_seed_decides(blank: Make) -> None:
    orders = [blank(30, seed=seed).units(sweep).tolist() for seed, sweep in ((0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert orders[0] == blank(30, seed=0).units(0).tolist()
