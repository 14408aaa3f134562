"""FLOPs are counted as one counts them by hand: two for each multiplication with its addition."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.device.flops import FORMULAS, FlopCounter


def flops(work: Callable[[], object]) -> int:
    with FlopCounter() as counter:
        work()
    return counter.total


def both_ways(module: Callable[[Tensor], Tensor], inputs: Tensor) -> tuple[int, int]:
    """FLOPs forward, and FLOPs of the backward pass from the sum."""
    with FlopCounter() as counter:
        loss = module(inputs).sum()
        forward = counter.total
        loss.backward()
    return forward, counter.total - forward


def learnable(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


def test_a_linear_layer_takes_twice_its_weights_for_each_example() -> None:
    layer = nn.Linear(3, 5)
    assert both_ways(layer, learnable(7, 3)) == (2 * 7 * 3 * 5, 2 * 2 * 7 * 3 * 5)
    assert both_ways(layer, torch.randn(7, 3)) == (2 * 7 * 3 * 5, 2 * 7 * 3 * 5)  # no gradient of the data
    assert flops(lambda: torch.inference_mode()(layer)(torch.randn(7, 3))) == 2 * 7 * 3 * 5


@pytest.mark.parametrize(
    ("layer", "inputs", "multiplications"),
    [
        (nn.Conv2d(2, 6, 3), (4, 2, 8, 7), 4 * (6 * 5) * 6 * 2 * 9),
        (nn.Conv2d(2, 6, 3, padding=1, stride=2), (4, 2, 8, 7), 4 * (4 * 4) * 6 * 2 * 9),
        (nn.Conv2d(2, 6, 3, dilation=2), (4, 2, 8, 7), 4 * (4 * 3) * 6 * 2 * 9),
        (nn.Conv2d(4, 8, 3, groups=4), (2, 4, 5, 5), 2 * (3 * 3) * 8 * 1 * 9),
        (nn.Conv1d(3, 2, 4), (5, 3, 10), 5 * 7 * 2 * 3 * 4),
        (nn.ConvTranspose2d(2, 6, 3, stride=2), (4, 2, 8, 7), 4 * (8 * 7) * 6 * 2 * 9),
    ],
)
def test_a_convolution_puts_its_kernel_on_every_place(
    layer: nn.Module, inputs: tuple[int, ...], multiplications: int
) -> None:
    assert both_ways(layer, learnable(*inputs)) == (2 * multiplications, 2 * 2 * multiplications)
    assert both_ways(layer, torch.randn(*inputs)) == (2 * multiplications, 2 * multiplications)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
def test_an_lstm_multiplies_with_its_matrices_at_every_time_step(layers: int, directions: int) -> None:
    lstm = nn.LSTM(3, 4, num_layers=layers, bidirectional=directions == 2)
    matrices = sum(weight.numel() for weight in lstm.parameters() if weight.ndim == 2)
    assert matrices == directions * (4 * 4 * (3 + 4) + (layers - 1) * 4 * 4 * (4 * directions + 4))
    forward = 2 * 5 * 2 * matrices  # 5 time steps, 2 examples
    assert both_ways(lambda x: lstm(x)[0], learnable(5, 2, 3)) == (forward, 2 * forward)


def test_a_recurrent_layer_without_a_fused_kernel_is_counted_product_by_product() -> None:
    network = nn.GRU(3, 4)
    assert flops(lambda: network(torch.randn(5, 2, 3))) == 2 * 5 * 2 * (3 * 4 * 3 + 3 * 4 * 4)


def test_the_lstm_of_a_gpu_is_counted_like_that_of_the_cpu() -> None:
    """By the arguments that the operator gets there."""
    lstm, inputs = nn.LSTM(3, 4, num_layers=2), torch.randn(5, 2, 3)
    weights = list(lstm.parameters())
    assert FORMULAS["_cudnn_rnn"](inputs, weights, 4, None) == flops(lambda: lstm(inputs))
    assert FORMULAS["_cudnn_rnn_backward"](inputs, weights, 4, None) == 2 * flops(lambda: lstm(inputs))


@pytest.mark.parametrize("backend", [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_two_products_whatever_kernel_computes_it(backend: SDPBackend, causal: bool) -> None:
    query, key, value = learnable(2, 3, 6, 8), learnable(2, 3, 6, 8), learnable(2, 3, 6, 8)

    def attend(q: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q, key, value, is_causal=causal)

    with sdpa_kernel(backend):
        forward = 2 * 2 * 3 * (6 * 6 * 8 + 6 * 6 * 8)  # scores, then the weighted sum
        assert both_ways(attend, query) == (forward, 2 * forward)


def test_attention_over_another_length_and_width() -> None:
    query, key, value = torch.randn(1, 2, 5, 8), torch.randn(1, 2, 7, 8), torch.randn(1, 2, 7, 4)
    expected = 2 * 2 * (5 * 7 * 8 + 5 * 7 * 4)
    assert flops(lambda: functional.scaled_dot_product_attention(query, key, value)) == expected
    assert FORMULAS["_scaled_dot_product_flash_attention"](query, key, value, 0.0) == expected


def test_products_with_vectors_count_too() -> None:
    matrix, vector = torch.randn(3, 4), torch.randn(4)
    assert flops(lambda: matrix @ vector) == 2 * 3 * 4
    assert flops(lambda: vector @ vector) == 2 * 4
    assert flops(lambda: torch.addmv(torch.zeros(3), matrix, vector)) == 2 * 3 * 4


def test_products_in_place_and_in_batches_count_too() -> None:
    a, b, out = torch.randn(2, 3, 4), torch.randn(2, 4, 5), torch.zeros(2, 3, 5)
    assert flops(lambda: a @ b) == flops(lambda: out.baddbmm_(a, b)) == 2 * 2 * 3 * 4 * 5
    assert flops(lambda: torch.zeros(3, 5).addmm_(a[0], b[0])) == 2 * 3 * 4 * 5


def test_looking_up_an_embedding_and_elementwise_work_are_free() -> None:
    embedding = nn.Embedding(10, 4)
    assert both_ways(lambda x: functional.gelu(embedding(x) * 2), torch.randint(10, (3, 5))) == (0, 0)


class Block(nn.Module):
    """A transformer's layer of width 16 with 2 heads."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(16) for _ in range(2))
        self.qkv, self.project = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norms[0](x)).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.project(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norms[1](x))


def test_a_gpt_takes_six_for_each_weight_and_token_and_attention_besides() -> None:
    """6 N D of Kaplan et al. 2020 (2 forward, 4 backward), plus 12 * layers * width * time for each token (Chowdhery
    et al. 2022, appendix B); N counts the matrices only, and the embeddings are looked up."""
    embedding, tokens = nn.Embedding(32, 16), torch.randint(32, (4, 10))
    network = nn.Sequential(embedding, Block(), Block(), nn.LayerNorm(16), nn.Linear(16, 32, bias=False))
    matrices = sum(weight.numel() for weight in network.parameters() if weight.ndim == 2) - embedding.weight.numel()
    forward, backward = both_ways(network, tokens)
    assert forward + backward == 4 * 10 * (6 * matrices + 12 * 2 * 16 * 10)
    assert backward == 2 * forward


def test_where_the_librarys_counter_sees_everything_both_agree() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(2, 1, 8, 8)).sum().backward()
    assert counter.get_total_flops() == sum(both_ways(network, torch.randn(2, 1, 8, 8)))


def test_what_the_librarys_counter_misses() -> None:
    """Once this fails, ours may no longer be needed."""
    with FlopCounterMode(display=False) as counter:
        nn.LSTM(4, 4)(torch.randn(3, 2, 4))
        torch.randn(3, 4) @ torch.randn(4)
    assert counter.get_total_flops() == 0
    grouped = nn.Conv2d(4, 8, 3, groups=4)
    with FlopCounterMode(display=False) as counter:
        grouped(learnable(2, 4, 5, 5)).sum().backward()
    assert counter.get_total_flops() == 2 * sum(both_ways(grouped, learnable(2, 4, 5, 5)))


def test_counting_changes_no_bit() -> None:
    torch.manual_seed(0)
    network, inputs = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.LayerNorm(8)), torch.randn(4, 8)

    def gradients() -> list[Tensor]:
        torch.manual_seed(1)
        network.zero_grad()
        network(inputs).square().sum().backward()
        return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]

    plain = gradients()
    with FlopCounter():
        counted = gradients()
    assert all(torch.equal(a, b) for a, b in zip(plain, counted, strict=True))


def test_counting_imports_neither_the_compiler_nor_sympy() -> None:
    code = (
        "import sys, torch\nfrom engine.device.flops import FlopCounter\n"
        "layer = torch.nn.Linear(2, 2)\nwith FlopCounter(): layer(torch.ones(1, 2)).sum().backward()\n"
        "print(sorted({'torch._dynamo', 'sympy', 'torch.utils.flop_counter'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
