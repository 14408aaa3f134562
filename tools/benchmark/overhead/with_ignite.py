"""PyTorch-Ignite."""

from ignite.engine import create_supervised_trainer
from work import Work


def trainer(work: Work) -> None:
    """The trainer of its introduction, without handlers."""
    create_supervised_trainer(work.network, work.optimizer(), work.criterion).run(work.loader(), work.epochs)


LOOPS = {"trainer": trainer}
