"""Writes a checkpoint of chapter 03 that barely learned from noise: how fast it answers does not depend on it.

    models/03_mlp/.venv/bin/python tools/benchmark/servers/make_checkpoint.py OUTPUTS SIDE HIDDEN

SIDE is that of a picture in pixels, HIDDEN the sizes of the hidden layers, such as 64 or 1024,1024.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHAPTER = ROOT / "models/03_mlp"
sys.path[:0] = [str(ROOT), str(CHAPTER / "src")]

import torch  # noqa: E402

from config import ModelConfig  # noqa: E402
from data_utils.splits import Splits, TensorSplit  # noqa: E402
from engine import Run, Trainer  # noqa: E402
from engine.runs.run import Options  # noqa: E402
from experiment.compose import compose_experiment  # noqa: E402
from model import MLP  # noqa: E402

CLASSES = 10


def main() -> None:
    """Train for a step, which leaves a checkpoint under OUTPUTS."""
    outputs, side, hidden = sys.argv[1:]
    overrides = [
        f"model.hidden=[{hidden}]",
        "trainer.duration='1 steps'",
        "trainer.evaluate_on=[train]",
        "trainer.monitor=null",
        "tracking.wandb.enabled=false",
        "tracking.tensorboard=false",
    ]
    config = compose_experiment(CHAPTER, "digits", overrides, ModelConfig)
    run = Run(CHAPTER, config, Path(outputs), Options())
    Trainer(run).prepare(MLP(config.model, int(side) ** 2, CLASSES), noise(int(side))).train()


def noise(side: int) -> Splits:
    """Pictures of SIDE by SIDE pixels between 0 and 1, of no class in particular."""
    generator, n = torch.Generator().manual_seed(0), 64
    train = TensorSplit(torch.rand(n, 1, side, side, generator=generator), torch.arange(n) % CLASSES)
    names = tuple(str(label) for label in range(CLASSES))
    return Splits("noise", train, None, None, {"train": torch.arange(n)}, names, (), (), (1, side, side), "0" * 16)


if __name__ == "__main__":
    main()
