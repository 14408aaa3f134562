"""What a checkpoint says to `triton_client.py`'s request: `python checkpoint_outputs.py CHAPTER OUTPUTS REQUEST`."""

import json
import sys
from pathlib import Path

import torch

from inference import Predictor

chapter, outputs, request = map(Path, sys.argv[1:])
asked = json.loads(request.read_text())
predictor = Predictor.from_checkpoint(chapter, "latest", outputs)
print(json.dumps(predictor.outputs(torch.tensor(asked["x"]))[asked["output"]].tolist()))
