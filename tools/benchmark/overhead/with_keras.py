"""Keras 3 on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["KERAS_TORCH_DEVICE"] = "cpu"

import keras
from torch import Tensor
from work import Work


class Model(keras.Model):
    """The very network of the others, wrapped."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.network = keras.layers.TorchModuleWrapper(work.network)

    def call(self, inputs: Tensor) -> Tensor:
        """The network's output, with the classes last."""
        scores = self.network(inputs)
        return scores.transpose(1, 2) if scores.ndim == 3 else scores


def fit(work: Work) -> None:
    """`fit` without its progress bar; losses and optimizers are those of Keras."""
    model, settings = Model(work), work.optimizer_settings
    settings["learning_rate"] = settings.pop("lr")
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[work.task.optimizer]
    binary = work.targets.is_floating_point()
    losses = keras.losses.BinaryCrossentropy if binary else keras.losses.SparseCategoricalCrossentropy
    model.compile(optimizer=kind(**settings), loss=losses(from_logits=True))
    inputs, targets = work.inputs.numpy(), work.targets.numpy()
    model.test_on_batch(inputs[: work.task.batch], targets[: work.task.batch])  # builds it, which calls the network
    model.optimizer.build(model.trainable_variables)
    work.probe.reset()
    model.fit(inputs, targets, batch_size=work.task.batch, epochs=work.epochs, shuffle=True, verbose=0)


LOOPS = {"fit": fit}
