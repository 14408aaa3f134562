"""A data set cut down to a few batches: can the model learn even those?"""

import logging
from dataclasses import replace

from data_utils.batches import epoch_order
from data_utils.splits import Splits, TensorSplit
from engine.config import ExperimentConfig
from utils.errors import InputError

log = logging.getLogger(__name__)


def splits_to_train_on(splits: Splits, config: ExperimentConfig) -> Splits:
    """`splits` as they are, or with `trainer.overfit_batches` only the examples of the first batches of epoch 0.

    The validation split, where there is one, is then those examples too: what is asked is whether the model learns
    them by heart, and the monitored metric should say so.

    Raises:
        InputError: An epoch has fewer batches than that.
    """
    wanted, size = config.trainer.overfit_batches, config.trainer.batch_size
    if wanted is None:
        return splits
    there_are = -(-len(splits.train) // size)
    if wanted > there_are:
        raise InputError(f"trainer.overfit_batches is {wanted}, but an epoch has only {there_are} batches of {size}")
    chosen = epoch_order(len(splits.train), config.seed, 0)[: wanted * size]
    few = TensorSplit(splits.train.inputs[chosen], splits.train.targets[chosen])
    log.info("overfitting on purpose: training and evaluation see the same %d examples and no others", len(few))
    return replace(splits, train=few, validation=few if splits.validation is not None else None)
