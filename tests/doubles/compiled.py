"""Trains a small network plainly and through torch.compile, and prints what differed, as JSON.

A process of its own: the compiler cannot follow the type checks that tests put around every function.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from data_utils import load
from engine import Run, Trainer
from engine.debug.profiler import profile
from engine.loop import compile as compilation
from experiment.training import train
from tests.doubles.bench import NETWORK, Bench

compilation.BACKEND = "aot_eager"  # everything but the C++, which takes half a minute
_lines: list[str] = []


class _Kept(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "compile" in record.getMessage() or "together" in record.getMessage():
            _lines.append(record.getMessage())


def weights(bench: Bench, *overrides: str, branching: bool = False) -> dict[str, Tensor]:
    """The last weights of a run."""
    run: Run = bench.run(bench.config("blobs", "trainer.log_every='6 steps'", *overrides))
    splits = load(run.config.data)
    trainer = Trainer(run)
    model = bench.model(run.config, splits.n_features)
    if branching:
        model.__class__ = _branching(type(model))
    train(trainer.prepare(model, splits))
    return {name: value.clone() for name, value in model.state_dict().items()}


def _branching(kind: type[nn.Module]) -> type[nn.Module]:
    class Branching(kind):  # type: ignore[valid-type, misc]
        def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return super().training_step(batch) if float(batch[0].sum()) < 1e9 else {}  # type: ignore[no-any-return]

    return Branching


def profiled(bench: Bench) -> dict[str, Any]:
    """FLOPs of a step without and with the compiler, and the functions of ours that it was given."""
    torch._dynamo.reset()  # of what was compiled before
    torch._dynamo.utils.clear_compilation_metrics()
    for wanted in ("none", "model"):
        profile(bench.prepare(bench.run(bench.config("blobs", f"trainer.compile={wanted}"))), steps=1)
    summaries = (bench.outputs / "profiles").glob("*/summary.json")
    flops = [json.loads(path.read_text())["flops_per_step"] for path in summaries]
    return {"flops": flops, "compiled": [each.co_name for each in torch._dynamo.utils.get_compilation_metrics()]}


def main() -> None:
    """Train, compare, print."""
    logging.getLogger("engine").addHandler(_Kept())
    bench = Bench(NETWORK, Path(sys.argv[1]))
    sys.modules.update(bench._modules)  # the compiler looks for the module that a function is from
    found: dict[str, Any] = {}
    for name, overrides, branching in (
        ("steps", ["model.dropout=0", "trainer.compile=steps"], False),
        ("model", ["trainer.compile=model"], False),
        ("branching", ["model.dropout=0", "trainer.compile=steps"], True),
    ):
        expected = weights(bench, *overrides, "trainer.compile=none")
        if name == "steps":
            found["imported unasked"] = "torch._dynamo" in sys.modules
        _lines.clear()
        trained = weights(bench, *overrides, branching=branching)
        difference = max(float((trained[key] - value).abs().max()) for key, value in expected.items())
        found[name] = {"difference": difference, "lines": list(_lines)}
    found["profile"] = profiled(bench)
    found["deterministic"] = torch._inductor.config.deterministic
    print(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
