"""The learning-rate range test (Smith, "Cyclical learning rates for training neural networks", 2017)."""

import math
from itertools import islice

from engine.trainer import Trainer
from engine.update import GradientStep
from utils.errors import InputError, RunError

_LOWEST, _HIGHEST, _STEPS = 1e-6, 10.0, 100
_SMOOTHING = 0.85  # of the loss from step to step
_TOO_HIGH = 4.0  # times the lowest loss: the training has diverged


def find_rate(trainer: Trainer) -> None:
    """Raise the learning rate from step to step, and print and draw what the loss does.

    Writes `learning_rate_finder.png` to the run's folder of pictures and nothing else; the model is not kept.

    Raises:
        InputError: The model does not learn by one optimizer.
        RunError: The loss was never finite.
    """
    update = trainer.update
    if not isinstance(update, GradientStep):
        raise InputError("this model makes its own update: --find-lr is for models that learn by one optimizer")
    base = update.rates.base[0]
    rates, losses, smoothed = [], [], []
    mean = 0.0
    steps = islice(trainer.batches.steps(0, 0, trainer.config.trainer.accumulate), _STEPS)
    for number, batches in enumerate(steps):
        rate = _LOWEST * (_HIGHEST / _LOWEST) ** (number / (_STEPS - 1))
        outputs = update(batches, rate / base, want_norm=False)
        loss = sum(float(output["loss"]) for output in outputs) / len(outputs)
        if not math.isfinite(loss):
            break
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        rates.append(rate)
        losses.append(loss)
        smoothed.append(mean / (1 - _SMOOTHING ** (number + 1)))
        if smoothed[-1] > _TOO_HIGH * min(smoothed):
            break
    if not rates:
        raise RunError("the loss is not finite at the first step: look for bad values in the data or in the weights")
    lowest = rates[smoothed.index(min(smoothed))]
    import plotting

    path = trainer.run.folders.visualizations / "learning_rate_finder.png"
    found = {"subject": trainer.config.experiment, "rates": rates, "losses": losses, "smoothed": smoothed}
    plotting.save(plotting.render("learning_rate_finder", found), path)
    end = f"diverged at {rates[-1]:.2g}" if len(rates) < _STEPS else "did not diverge"
    print(f"learning rates from {_LOWEST:g} up, {len(rates)} steps: lowest loss at {lowest:.2g}, {end}")
    print(f"a tenth of that is a good start: optimizer.lr={lowest / 10:.2g}")
    print(f"drew {path}")
