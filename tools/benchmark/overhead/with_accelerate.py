"""Accelerate."""

from accelerate import Accelerator
from work import Work


def loop(work: Work) -> None:
    """A loop by hand around what Accelerate prepares; it logs nothing."""
    accelerator = Accelerator(cpu=True)
    network, optimizer, loader = accelerator.prepare(work.network, work.optimizer(), work.loader())
    for _ in range(work.epochs):
        for inputs, targets in loader:
            loss = work.criterion(network(inputs), targets)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()


LOOPS = {"loop": loop}
