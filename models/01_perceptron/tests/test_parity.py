"""Parity: with the same order and learning rate, the weights are scikit-learn's."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.linear_model import Perceptron as Reference

from config import ModelConfig
from model import Perceptron
from tests.support.agreement import agree

SKLEARN = "scikit-learn's Perceptron"

Table = tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.int64]]]


def random_table(seed: int) -> Table:
    x, y = make_classification(80, 6, n_informative=4, flip_y=0.1, random_state=seed)
    return x, y


def standardized(x: Any, y: Any) -> Table:
    return (x - x.mean(0)) / x.std(0), y


TABLES = {
    "random 0": random_table(0),
    "random 1": random_table(1),
    "random 2": random_table(2),
    "iris setosa": standardized(load_iris().data, (load_iris().target == 0).astype(int)),
    "iris virginica": standardized(load_iris().data, (load_iris().target == 2).astype(int)),
    "breast cancer": standardized(*load_breast_cancer(return_X_y=True)),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("batch_size", [1, 7, 10_000])
def test_the_weights_are_those_of_scikit_learn(table: str, batch_size: int) -> None:
    x, y = TABLES[table]
    order = np.random.default_rng(len(table)).permutation(len(x))
    x, y = x[order], y[order]
    epochs, rate = 3, 0.1
    reference = Reference(shuffle=False, eta0=rate, max_iter=epochs, tol=None).fit(x, y)

    model = Perceptron(ModelConfig(learning_rate=rate, margin_iterations=0), x.shape[1]).double()
    inputs, targets = torch.tensor(x), torch.tensor(y, dtype=torch.int64)
    for _ in range(epochs):
        for batch in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            model.training_step(batch, {})

    predictions = model.evaluation_step((inputs, targets))["predictions"]
    agree("the weights after three epochs", model.weights, reference.coef_[0], tolerance=1e-6, against=SKLEARN)
    agree("the bias after three epochs", model.bias, reference.intercept_[0], tolerance=1e-6, against=SKLEARN)
    agree("the predicted classes", predictions, reference.predict(x), tolerance=0, against=SKLEARN)


def test_on_the_four_points_the_tie_is_broken_as_scikit_learn_does() -> None:
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for truth_table in range(1, 15):  # scikit-learn refuses a single class
        y = np.array([truth_table >> i & 1 for i in range(4)])
        reference = Reference(shuffle=False, eta0=1.0, max_iter=7, tol=None).fit(points, y)
        model = Perceptron(ModelConfig(learning_rate=1.0, margin_iterations=0), 2)
        for _ in range(7):
            model.training_step((torch.tensor(points, dtype=torch.float32), torch.tensor(y)), {})
        state, wanted = [*model.weights.tolist(), float(model.bias)], [*reference.coef_[0], *reference.intercept_]
        agree("weights and bias on Boolean functions, ties and all", state, wanted, tolerance=0, against=SKLEARN)
