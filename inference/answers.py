"""Answers that several chapters give, and how they may be wanted. A chapter may define another in `src/serving.py`."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped
from pydantic import Field

from data_utils.description import Description
from utils.schema import Strict

Row = Mapping[str, Shaped[np.ndarray, "*shape"]]
"""What `outputs` gave for one example: the name of an output to its values."""


class PredictOptions(Strict):
    """How answers are wanted."""

    top: int = Field(default=3, ge=1)
    """So many classes are named with their probabilities; all of them where there are fewer."""
    threshold: float | None = None
    """A class whose probability is lower is not named as the label; of a unit with one score, where class 1 begins.
    The chapter's own where it is None."""


class Candidate(Strict):
    """A class and how likely it is."""

    label: str
    probability: float


class Classification(Strict):
    """Which class, by probabilities."""

    label: str | None
    """The most likely class; null where its probability is below the threshold."""
    probability: float
    """That of the most likely class."""
    candidates: list[Candidate]
    """The most likely classes, in order."""


class Decision(Strict):
    """Which class, by scores that are no probabilities."""

    label: str
    score: float
    """That of the class; of a unit that tells two classes apart, its only one."""
    threshold: float | None
    """Class 1 is the answer where the only score is above it; null where each class has a score."""


class Values(Strict):
    """The numbers that a regression predicts."""

    values: dict[str, float]
    """In the units of the data."""


def classification(row: Row, data: Description, options: PredictOptions) -> Classification:
    """The answer for `probabilities` [classes]."""
    probabilities = row["probabilities"].tolist()
    order = sorted(range(len(probabilities)), key=lambda k: -probabilities[k])[: options.top]
    candidates = [Candidate(label=data.class_names[k], probability=probabilities[k]) for k in order]
    best = candidates[0]
    sure = options.threshold is None or best.probability >= options.threshold
    return Classification(label=best.label if sure else None, probability=best.probability, candidates=candidates)


def decision(row: Row, data: Description, options: PredictOptions, threshold: float) -> Decision:
    """The answer for `scores` [classes], or [1] of a unit that tells two classes apart.

    Args:
        row: The scores.
        data: Whose classes.
        options: May have another threshold.
        threshold: Where class 1 begins, of a single score.
    """
    scores = row["scores"].tolist()
    if len(scores) > 1:
        best = max(range(len(scores)), key=scores.__getitem__)
        return Decision(label=data.class_names[best], score=scores[best], threshold=None)
    limit = threshold if options.threshold is None else options.threshold
    return Decision(label=data.class_names[scores[0] > limit], score=scores[0], threshold=limit)


def values(row: Row, data: Description) -> Values:
    """The answer for `values` [targets]."""
    return Values(values=dict(zip(data.target_names, row["values"].tolist(), strict=True)))
