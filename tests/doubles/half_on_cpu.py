"""fp16 with a loss scale where there is no GPU."""

import torch

from engine.config import HardwareConfig
from engine.device.hardware import Hardware


class HalfOnCpu(Hardware):
    """fp16 with a loss scale on the CPU, which `Hardware` grants on a GPU only; the first steps overflow."""

    def __init__(self, config: HardwareConfig, local_rank: int | None = None) -> None:
        super().__init__(config, local_rank)
        self.dtype = torch.float16
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**22, growth_interval=5)
