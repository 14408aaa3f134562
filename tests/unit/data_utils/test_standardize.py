import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_utils.standardize import Standardization

TABLES = arrays(
    np.float32,
    st.tuples(st.integers(2, 30), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
).map(torch.from_numpy)


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_every_column_has_mean_0_and_deviation_1_or_is_constant(table):
    result = Standardization.fit(table).apply(table).double()
    assert torch.allclose(result.mean(0), torch.zeros(1, dtype=torch.float64), atol=1e-5)
    constant = (table == table[0]).all(0)
    assert (result[:, constant] == 0).all()
    deviation = result.std(0, correction=0)[~constant]
    assert torch.allclose(deviation, torch.ones_like(deviation), atol=1e-5)


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_inverting_gives_the_original_up_to_rounding(table):
    standardization = Standardization.fit(table)
    restored = standardization.invert(standardization.apply(table))
    largest = table.abs().max(0).values.double() + standardization.scale[0]
    assert ((restored - table).abs() <= 1e-5 * largest).all()


def test_a_constant_column_stays_finite_where_it_is_not_constant():
    standardization = Standardization.fit(torch.full((7, 1), 0.1))
    assert standardization.apply(torch.tensor([[0.1], [1.1]])).tolist() == [[0.0], [pytest.approx(1.0)]]


def test_images_share_one_mean_and_scale_for_each_channel():
    images = torch.rand(600, 2, 4, 4) * torch.tensor([1.0, 10.0])[:, None, None]
    standardization = Standardization.fit(images)
    assert standardization.mean.shape == (1, 2, 1, 1)
    result = standardization.apply(images)
    assert torch.allclose(result.mean((0, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(result.std((0, 2, 3), correction=0), torch.ones(2), atol=1e-5)


def test_it_is_that_of_the_whole_however_large():
    inputs = torch.arange(1000.0)[:, None]
    standardization = Standardization.fit(inputs)
    assert standardization.mean.item() == 499.5
    assert standardization.scale.item() == pytest.approx(np.arange(1000).std())
