"""The model that is to become smaller."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deployment.optimise.measuring import Form, Measured, Task
from deployment.optimise.settings import Settings, read_settings
from engine.checkpoint.resolve import resolve_checkpoint
from inference.predictor import Predictor


@dataclass(frozen=True)
class Original:
    """A checkpoint, and what forms of its model are measured on.

    Attributes:
        predictor: Its model.
        checkpoint: Its file.
        outputs: Where the chapter's runs are.
        task: The examples and the metric.
        settings: What the flags do not say.
    """

    predictor: Predictor
    checkpoint: Path
    outputs: Path
    task: Task
    settings: Settings

    @classmethod
    def of(cls, chapter: Path, reference: str, outputs: Path) -> "Original":
        """Find the checkpoint that `reference` names and load its model and its data.

        Raises:
            InputError: There is none, or it cannot be asked.
            RunError: Its data cannot be had.
        """
        checkpoint = resolve_checkpoint(reference, outputs)
        predictor = Predictor.from_checkpoint(chapter, str(checkpoint))
        return cls(predictor, checkpoint, outputs, Task(predictor), read_settings())

    def measure(self, forms: Sequence[Form]) -> list[Measured]:
        """What each of `forms` comes to."""
        settings = self.settings
        return self.task.measure(forms, settings.batches, settings.rounds, settings.seconds)

    def folder_for(self, what: str) -> Path:
        """Where the report on a smaller model goes that is described by `what`."""
        return self.outputs / "optimised" / f"{self.predictor.run_id}-{what}"
