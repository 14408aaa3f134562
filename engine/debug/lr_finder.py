"""The learning-rate range test (Smith, "Cyclical learning rates for training neural networks", 2017)."""

from itertools import islice

from engine.loop.metric_buffer import NonFinite
from engine.loop.step import GradientStep
from engine.trainer import Trainer
from utils.errors import InputError, RunError

_LOWEST, _HIGHEST, _STEPS = 1e-6, 10.0, 100
_SMOOTHING = 0.85  # of the loss from step to step
_SETTLING = 10  # steps whose rates are too low to matter: how far their losses lie apart is noise
_TOO_HIGH = 3.0  # times the spread of the losses above the lowest one: the training has diverged


def find_lr(trainer: Trainer) -> None:
    """Raise the learning rate from step to step, and print and draw what the loss does.

    Writes `learning_rate_finder.png` to the run's folder of pictures and nothing else; the model is not kept.

    Raises:
        InputError: The model does not learn by one optimizer.
        RunError: The loss was never finite.
    """
    learner, train_step = trainer.learner, trainer.learner.train_step
    if not isinstance(train_step, GradientStep):
        raise InputError("this model makes its own update: --find-lr is for models that learn by one optimizer")
    base = train_step.rates.base[0]
    rates, losses, smoothed = [], [], []
    mean = 0.0
    steps = islice(learner.steps_from(0), _STEPS)
    for number, batches in enumerate(steps):
        rate = _LOWEST * (_HIGHEST / _LOWEST) ** (number / (_STEPS - 1))
        for batch, output in zip(batches, train_step(batches, rate / base, want_norm=False), strict=True):
            trainer.metric_buffer.add(number + 1, len(batch[0]), output)
        try:
            loss = trainer.metric_buffer.flush().get("batch/loss", mean)  # a step without items says nothing
        except NonFinite:
            break
        mean += (loss - mean) * (1 - _SMOOTHING) / (1 - _SMOOTHING ** (number + 1))
        rates.append(rate)
        losses.append(loss)
        smoothed.append(mean)
        if _has_diverged(losses, smoothed):
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


def _has_diverged(losses: list[float], smoothed: list[float]) -> bool:
    """Whether the smoothed loss is so far above its lowest value that the training will not come back.

    fast.ai's finder (Howard and Gugger, "fastai: a layered API for deep learning", 2020) stops at four times the lowest
    loss, three times the lowest above it: the distance to a loss of 0. A loss may end elsewhere, below 0 even. Here the
    rise is held against how far the losses lay apart on the way to the lowest one, wherever their zero is.
    """
    lowest = min(smoothed)
    way_down = losses[: max(_SETTLING, smoothed.index(lowest) + 1)]
    return len(losses) > _SETTLING and smoothed[-1] > lowest + _TOO_HIGH * (max(way_down) - min(way_down))
