"""What every server under measurement does for a request, whatever carries it: ours is built on the same parts."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from inference import Predictor  # noqa: E402

MOST_WAITING = 64
"""Requests that make one forward pass, at most, where they are batched."""


def arguments(doc: str) -> argparse.Namespace:
    """The command line of a peer."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--outputs", type=Path, required=True, help="where the checkpoint is")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", default="", help="how it is set up")
    return parser.parse_args()


def load(outputs: Path) -> Predictor:
    """The model that is served."""
    return Predictor.from_checkpoint(ROOT / "models/03_mlp", "latest", outputs)
