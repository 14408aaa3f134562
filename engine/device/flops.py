"""How many floating-point operations a computation takes, counted while it runs.

Counted are the products that a model's arithmetic consists of: of matrices and vectors, convolutions, attention and the
fused recurrent layers, two operations for each multiplication with its addition, in the forward and the backward pass.
Not counted is what is done element by element (activations, norms, the optimizer), looking up embeddings, and work that
PyTorch does not show: kernels of one's own and attention by `flex_attention`.

`torch.utils.flop_counter` does the same, but its first use imports the compiler, which takes longer than importing
torch; it sees neither the LSTM and attention kernels of the CPU nor a product with a vector, and counts too much for
the backward pass of a grouped convolution.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Formula = Callable[..., int]
"""Gets the arguments of an operator, returns the operations that it takes."""


class _Counts:
    """What `FlopCounter` does at each operator.

    A class of its own: torch wraps a method that stands in the mode's class so that the compiler leaves it alone, and
    the first call of that would import the compiler.
    """

    total: int

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = FORMULAS.get(func.overloadpacket.__name__.removesuffix("_"))  # mm_ is mm in place
        if formula is not None:
            self.total += formula(*args)
        return out


class FlopCounter(_Counts, TorchDispatchMode):
    """Counts within `with FlopCounter() as counter:`; the result is `counter.total`. No result of torch changes."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0


# ---- formulas: each by the operator's arguments, in the order of its schema ----------------------------------------


def _product(a: Tensor, b: Tensor) -> int:
    """[..., m, k] by [..., k, n]."""
    return 2 * a.numel() * b.shape[-1]


def _added_product(_: Tensor, a: Tensor, b: Tensor, *rest: Any) -> int:
    return _product(a, b)


def _vector_product(a: Tensor, _: Tensor) -> int:
    """[m, k] by [k], or [k] by [k]."""
    return 2 * a.numel()


def _added_vector_product(_: Tensor, a: Tensor, b: Tensor, *rest: Any) -> int:
    return _vector_product(a, b)


def _linear(inputs: Tensor, weight: Tensor, *rest: Any) -> int:
    return 2 * inputs.numel() * weight.shape[0]


def _linear_backward(_: Tensor, gradient: Tensor, weight: Tensor, wanted: Sequence[bool]) -> int:
    """Of the inputs and of the weights, each as much as forward."""
    return 2 * gradient.numel() * weight.shape[1] * sum(wanted[:2])


def _convolution(inputs: Tensor, weight: Tensor, _: Any, stride: Any, padding: Any, dilation: Any, *rest: Any) -> int:
    """Each number of the kernel meets each place of the output; transposed, of the input."""
    places = list(inputs.shape[2:])
    if not rest[0]:
        sides = zip(places, padding, dilation, weight.shape[2:], stride, strict=True)
        places = [(n + 2 * pad - gap * (size - 1) - 1) // step + 1 for n, pad, gap, size, step in sides]
    return 2 * inputs.shape[0] * weight.numel() * math.prod(places)


def _convolution_backward(_: Tensor, inputs: Tensor, weight: Tensor, bias: Any, *rest: Any) -> int:
    """Of the inputs and of the weights, each as much as forward."""
    wanted: Sequence[bool] = rest[-1]
    return _convolution(inputs, weight, bias, *rest) * sum(wanted[:2])


def _attention(query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> int:
    """Scores and weighted sum, [batch, heads, time, width] each; what a causal mask hides is counted too."""
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return 2 * scores * (query.shape[-1] + value.shape[-1])


def _attention_backward(_: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> int:
    """Twice forward; that fused kernels compute the scores a second time saves memory and is no work of the model."""
    return 2 * _attention(query, key, value)


def _mkldnn_rnn(inputs: Tensor, input_weight: Tensor, state_weight: Tensor, *rest: Any) -> int:
    """One layer in one direction; inputs are [time, batch, features]."""
    return _recurrent(inputs, [input_weight, state_weight])


def _mkldnn_rnn_backward(inputs: Tensor, input_weight: Tensor, state_weight: Tensor, *rest: Any) -> int:
    return 2 * _recurrent(inputs, [input_weight, state_weight])


def _cudnn_rnn(inputs: Tensor, weights: Sequence[Tensor], *rest: Any) -> int:
    """All layers and directions."""
    return _recurrent(inputs, weights)


def _cudnn_rnn_backward(inputs: Tensor, weights: Sequence[Tensor], *rest: Any) -> int:
    return 2 * _recurrent(inputs, weights)


def _recurrent(inputs: Tensor, weights: Sequence[Tensor]) -> int:
    """Every matrix meets every time step of every example once; biases are added, not multiplied."""
    return 2 * math.prod(inputs.shape[:-1]) * sum(weight.numel() for weight in weights if weight.ndim == 2)


_ATTENTION = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention")

FORMULAS: dict[str, Formula] = {
    "mm": _product,
    "bmm": _product,
    "addmm": _added_product,
    "_addmm_activation": _added_product,
    "baddbmm": _added_product,
    "mv": _vector_product,
    "dot": _vector_product,
    "addmv": _added_vector_product,
    "linear": _linear,
    "linear_backward": _linear_backward,
    "convolution": _convolution,
    "convolution_backward": _convolution_backward,
    **{f"_scaled_dot_product_{kind}": _attention for kind in _ATTENTION},
    **{f"_scaled_dot_product_{kind}_backward": _attention_backward for kind in _ATTENTION},
    "mkldnn_rnn_layer": _mkldnn_rnn,
    "mkldnn_rnn_layer_backward": _mkldnn_rnn_backward,
    "_cudnn_rnn": _cudnn_rnn,
    "_cudnn_rnn_backward": _cudnn_rnn_backward,
}
"""By the operator's name in `torch.ops.aten`."""
