"""The schema of the `model:` section; the values come from config/."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from utils.schema import Count, Strict

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class ZerosOrScaled(Strict):
    """All zeros, or a spread that the number of units decides: Glorot and Bengio (2010), He et al. (2015)."""

    name: Literal["zeros", "glorot", "he"]


class Normal(Strict):
    """Normal with mean 0 and the same standard deviation in every layer."""

    name: Literal["normal"]
    sd: Positive


class Uniform(Strict):
    """Uniform between -limit and limit in every layer: 0.3 in the paper of 1986."""

    name: Literal["uniform"]
    limit: Positive


InitialisationConfig = Annotated[ZerosOrScaled | Normal | Uniform, Field(discriminator="name")]


class Sgd(Strict):
    """Plain gradient descent."""

    name: Literal["sgd"]
    lr: Positive
    weight_decay: NotNegative


class Momentum(Strict):
    """Gradient descent that keeps a part of its speed (1986), or Nesterov's form of it."""

    name: Literal["momentum", "nesterov"]
    lr: Positive
    mu: Fraction
    """The part of the velocity that is kept: 0.9 in the paper of 1986."""
    weight_decay: NotNegative


class Adam(Strict):
    """Adam (Kingma and Ba 2015), or AdamW, whose weight decay is apart from the gradient."""

    name: Literal["adam", "adamw"]
    lr: Positive
    betas: tuple[Fraction, Fraction]
    eps: Positive
    weight_decay: NotNegative


OptimizerConfig = Annotated[Sgd | Momentum | Adam, Field(discriminator="name")]


class ModelConfig(Strict):
    """What can be chosen about a multilayer perceptron."""

    hidden: tuple[Count, ...]
    """Units of each hidden layer, from the input upwards; [] is a linear model."""
    activation: Literal["sigmoid", "tanh", "relu"]
    """Of the hidden layers."""
    output: Literal["identity", "sigmoid"]
    """Activation of the output layer."""
    loss: Literal["cross_entropy", "squared_error"]
    initialisation: InitialisationConfig
    """Of the weights; biases start at zero."""
    optimizer: OptimizerConfig

    @model_validator(mode="after")
    def _softmax_is_the_output(self) -> "ModelConfig":
        if self.loss == "cross_entropy" and self.output != "identity":
            raise ValueError("cross_entropy has the softmax in it: model.output must be identity")
        return self
