"""A data set cut down to a few batches: can the model learn even those?"""

import logging
from dataclasses import replace
from typing import Any

from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset, Subset

from data_utils.batches import epoch_order
from data_utils.splits import Splits, TensorSplit
from engine.config import ExperimentConfig
from utils.errors import InputError

log = logging.getLogger(__name__)


def data_to_train_on(
    splits: Splits, train: Dataset[Any] | None, config: ExperimentConfig
) -> tuple[Splits, TensorSplit | Dataset[Any], Int[Tensor, " few"] | None]:
    """`splits` and the training examples, or with `trainer.overfit_batches` only those of the first batches of epoch 0.

    The last value says which examples of the training split these few are; None where all are there.

    The validation split, where there is one, is then those examples too: what is asked is whether the model learns
    them by heart, and the monitored metric should say so.

    Args:
        splits: All examples.
        train: What batches come from instead of `splits.train`, such as its examples augmented.
        config: Says how many batches.

    Raises:
        InputError: An epoch has fewer batches than that, or `train` has other examples than `splits.train`.
    """
    wanted, size, n = config.trainer.overfit_batches, config.trainer.batch_size, len(splits.train)
    if wanted is None:
        return splits, splits.train if train is None else train, None
    if wanted > (there_are := -(-n // size)):
        raise InputError(f"trainer.overfit_batches is {wanted}, but an epoch has only {there_are} batches of {size}")
    if train is not None and len(train) != n:  # type: ignore[arg-type]  # map-style datasets have a length
        raise InputError("trainer.overfit_batches needs a training example for each one of the training split")
    chosen = epoch_order(n, config.seed, 0)[: wanted * size]
    few = TensorSplit(splits.train.inputs[chosen], splits.train.targets[chosen])
    log.info("overfitting on purpose: training and evaluation see the same %d examples and no others", len(few))
    splits = replace(splits, train=few, validation=few if splits.validation is not None else None)
    return splits, few if train is None else Subset(train, chosen.tolist()), chosen
