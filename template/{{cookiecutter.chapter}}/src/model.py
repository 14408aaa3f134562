"""{{ cookiecutter.title }} ({{ cookiecutter.byline }}).

Say here, in a few lines, what is notable about this version of the model. So far it is a plain network with one hidden
layer, which trains and passes every check, to be replaced by the idea of the chapter:

- Both layers and the loss are written out in tensor operations. Gradients are torch's, and the engine's optimizer uses
  them.
- Biases start at zero, and weights at random, or all hidden units would learn the same.

Equation numbers are those of docs/deep_dive.md.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig

Batch = tuple[Float[Tensor, "batch *shape"], Int64[Tensor, " batch"]]


class Network(nn.Module):
    """One hidden layer, and a score for each class.

    Args:
        config: How many hidden units.
        n_features: Numbers in one example; images and words are flattened.
        n_classes: Classes to tell apart.
    """

    automatic_optimization = True  # the engine takes the gradient of `loss`, and its optimizer makes the update

    def __init__(self, config: ModelConfig, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.hidden_weights = nn.Parameter(random_weights(config.hidden, n_features))
        self.hidden_bias = nn.Parameter(torch.zeros(config.hidden))
        self.output_weights = nn.Parameter(random_weights(n_classes, config.hidden))
        self.output_bias = nn.Parameter(torch.zeros(n_classes))

    # The idea --------------------------------------------------------------------------------------------------------

    def score(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """How much speaks for each class."""
{% if cookiecutter.exercises == "yes" %}
        # exercise score: the hidden units of equation (1), then the scores of equation (2)
{% endif %}
        # (1)  h = tanh(W x + b),  W is self.hidden_weights
        # (2)  s = V h + c,        V is self.output_weights
        hidden = torch.tanh(x @ self.hidden_weights.T + self.hidden_bias)
        return hidden @ self.output_weights.T + self.output_bias
{% if cookiecutter.exercises == "yes" %}
        # end exercise
{% endif %}

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        """The `loss` of a batch; the engine takes its gradient."""
        inputs, targets = batch
        return {"loss": cross_entropy(self.score(inputs.flatten(1)), targets)}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Answer a batch and learn nothing.

        Returns:
            `predictions`, the class with the highest score; `targets`; `loss`.
        """
        inputs, targets = batch
        scores = self.score(inputs.flatten(1))
        return {"predictions": scores.argmax(dim=1), "targets": targets, "loss": cross_entropy(scores, targets)}

    def measures(self) -> dict[str, float]:
        """The state in numbers: logged at each evaluation as `model/<name>`."""
        return {"weight_norm": float(sum(weights.detach().square().sum() for weights in self.parameters())) ** 0.5}


def cross_entropy(scores: Float[Tensor, "batch classes"], targets: Int64[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The loss: how unlikely the scores make the right classes, on average."""
{% if cookiecutter.exercises == "yes" %}
    # exercise loss: the mean over the batch of equation (3)
{% endif %}
    # (3)  L = mean of log Σ exp(s) - s_t,  t is the right class
    right = scores.gather(1, targets[:, None])[:, 0]
    return (scores.logsumexp(dim=1) - right).mean()
{% if cookiecutter.exercises == "yes" %}
    # end exercise
{% endif %}


def random_weights(outputs: int, inputs: int) -> Float[Tensor, "outputs inputs"]:
    """First weights, uniform between -1 and 1 over the root of `inputs`, so that sums do not grow with the layer."""
    return (2 * torch.rand(outputs, inputs) - 1) / inputs**0.5


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> Network:
    """The network for a data set."""
    return Network(config.model, data.n_features, data.n_classes)
