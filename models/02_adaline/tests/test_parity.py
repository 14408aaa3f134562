"""Parity: the closed form with NumPy and scikit-learn, the steps with scikit-learn's stochastic gradient descent."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, SGDRegressor

from config import ModelConfig
from least_squares import least_squares
from model import Adaline
from tests.support.agreement import agree


def standardized(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / x.std(0)


def random_table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((60, 5))
    return x, x @ random.standard_normal(5) + 0.3 + 0.1 * random.standard_normal(60)


TABLES = {
    "random 0": random_table(0),
    "random 1": random_table(1),
    "random 2": random_table(2),
    "iris virginica": (standardized(load_iris().data), (load_iris().target == 2).astype(float)),
    "breast cancer": (standardized(load_breast_cancer().data), load_breast_cancer().target.astype(float)),
    "diabetes": (standardized(load_diabetes().data), standardized(load_diabetes().target)),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_optimum_is_that_of_least_squares(table: str) -> None:
    x, y = TABLES[table]
    bowl = least_squares(torch.tensor(x), torch.tensor(y))
    ours, known = bowl.optimum, LinearRegression().fit(x, y)
    lstsq = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)[0]
    agree("the optimum w̃*", ours, lstsq, tolerance=1e-9, equation="(6)", against="numpy.linalg.lstsq")
    wanted = [*known.coef_, known.intercept_]
    agree("the optimum w̃*", ours, wanted, tolerance=1e-9, equation="(6)", against="scikit-learn LinearRegression")
    eigenvalues = np.linalg.svd(np.c_[x, np.ones(len(x))], compute_uv=False) ** 2 / len(x)
    agree(
        "the stability limit 2/λmax",
        bowl.rate_limit,
        2 / eigenvalues[0],
        tolerance=1e-9,
        equation="(8)",
        against="singular values by NumPy",
    )


@pytest.mark.parametrize("table", TABLES)
def test_one_example_at_a_time_the_weights_are_those_of_scikit_learn(table: str) -> None:
    x, y = TABLES[table]
    rate, epochs = 0.005, 3
    reference = SGDRegressor(
        penalty=None, learning_rate="constant", eta0=rate, max_iter=epochs, shuffle=False, tol=None
    ).fit(x, y)
    config = ModelConfig(learning_rate=rate, rate_unit="absolute", stability_curves=None)
    model = Adaline(config, x.shape[1], classes=False)
    for _ in range(epochs):
        for batch in zip(torch.tensor(x).split(1), torch.tensor(y).split(1), strict=True):
            model.training_step(batch, {})
    against = "scikit-learn SGDRegressor"
    agree("the weights", model.weights, reference.coef_, tolerance=1e-9, equation="(3)", against=against)
    agree("the bias", model.bias, reference.intercept_[0], tolerance=1e-9, equation="(3)", against=against)
