"""skorch."""

from typing import Any

from skorch import NeuralNet
from work import Work


def defaults(work: Work) -> None:
    """Its callbacks as they are: times, the mean loss, a line for each epoch; nothing held out for validation."""
    _fit(work)


def all_off(work: Work) -> None:
    """Everything off that can be."""
    _fit(work, callbacks="disable", verbose=0)


def _fit(work: Work, **options: Any) -> None:
    net = NeuralNet(
        work.network,
        criterion=work.criterion,
        optimizer=work.optimizer_class,
        **{f"optimizer__{name}": value for name, value in work.optimizer_settings.items() if name != "lr"},
        lr=work.optimizer_settings["lr"],
        batch_size=work.task.batch,
        max_epochs=work.epochs,
        train_split=None,
        iterator_train__shuffle=True,
        **options,
    )
    net.initialize()
    net.module_.probe = work.network.probe  # skorch copies what it is given
    net.partial_fit(work.inputs, work.targets)
    work.network = net.module_


LOOPS = {"defaults": defaults, "all_off": all_off}
