"""`scratch optimise --prune`: a checkpoint with fewer weights, and the curve of what more or less of it would cost."""

import shutil
import tempfile
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from deployment.optimise.masks import pruned_and_trained, pruned_at_once, pruned_count
from deployment.optimise.measuring import Form, torch_form
from deployment.optimise.original import Original
from deployment.optimise.report import draw, new_report, significant, write_report
from engine.duration import Duration
from engine.runs.run import Run
from inference.predictor import Predictor
from utils.errors import InputError, Interrupted
from utils.files import cannot_write
from utils.terminal.table import table


def prune_model(original: Original, sparsity: float, epochs: int | None, folder: Path | None, force: bool) -> None:
    """Prune, train on, measure, and leave a run with the pruned checkpoint beside the chapter's others.

    Args:
        original: The model.
        sparsity: The fraction of its weights to set to zero.
        epochs: To train on; 0 for none, None for what the settings say.
        folder: Where the report goes.
        force: Replace an earlier report there.

    Raises:
        InputError: Of so few weights that fraction is none, or all; or there is something at `folder`.
        RunError: The training failed, or something cannot be written.
    """
    model = original.predictor.pipeline.model
    pruned, total = pruned_count(model, sparsity)
    if sparsity > 0 and not 0 < pruned < total:
        raise InputError(f"--prune {sparsity:g} of {total} parameters is {pruned} of them: nothing sensible to prune")
    duration: Duration | None = original.settings.fine_tuning
    if epochs is not None:
        duration = Duration(float(epochs), "epochs") if epochs > 0 else None
    others = [each for each in original.settings.sparsities if pruned_count(model, each)[0] < total]
    folder = folder or original.folder_for(f"pruned-{sparsity:g}")
    with new_report(folder, force) as partial:
        points, forms, run_id = _pruned(original, others, sparsity, duration)
        measured = original.measure(forms)
        about = {"pruned": pruned, "parameters": total, "asked": sparsity, "fine_tuning": duration and str(duration)}
        available = write_report(partial, original, measured, **about, pruned_run=run_id, points=points)
        draw(partial, "pruning_curve", available | {"baseline": measured[0].value})
    click.echo(f"\n{_curve(points, original.task.metric)}\n")
    click.echo(f"{pruned:,} of {total:,} parameters are zero: a dense product takes no less time for that")
    click.echo(f"the pruned model is checkpoint {run_id}; the report is in {folder}")


def _pruned(
    original: Original, others: Sequence[float], kept: float, duration: Duration | None
) -> tuple[list[dict[str, Any]], list[Form], str]:
    """The points of the curve; the forms of the model where `kept` is pruned; and the id of that run, which is kept.

    It comes last, so that a call that is stopped leaves nothing.
    """
    predictor, value = original.predictor, original.task.value
    points = []
    for each in (*sorted({*others} - {kept}), kept):
        with tempfile.TemporaryDirectory() as place:
            at_once = pruned_at_once(predictor.chapter.folder, original.checkpoint, each)
            run = _trained(original, each, duration, Path(place))
            trained = Predictor.from_checkpoint(predictor.chapter.folder, run.run_id, run.outputs)
            if each == kept:
                _keep(Path(place), original.outputs)
                forms = [torch_form("checkpoint", predictor), torch_form(f"pruned {kept:g}", at_once)]
                forms += [torch_form(f"pruned {kept:g}, trained on", trained)] if duration else []
                run_id = run.run_id
        trained_on = value(trained.pipeline) if duration else None
        points.append({"sparsity": each, "at_once": value(at_once.pipeline), "trained_on": trained_on})
    return sorted(points, key=itemgetter("sparsity")), forms, run_id


def _trained(original: Original, sparsity: float, duration: Duration | None, place: Path) -> Run:
    """A pruned run in `place`, which nobody can go on with after a signal: it is gone by then."""
    try:
        return pruned_and_trained(original.predictor, original.checkpoint, sparsity, duration, place)
    except Interrupted as stop:
        message = f"stopped by {stop.signal_name}, before there was a report or a pruned run"
        raise Interrupted(stop.exit_code - 128, message) from stop


def _keep(run: Path, outputs: Path) -> None:
    try:
        shutil.copytree(run, outputs, dirs_exist_ok=True)
    except OSError as error:
        raise cannot_write(outputs, error) from error


def _curve(points: Sequence[dict[str, Any]], metric: str) -> str:
    columns = {"at_once": f"{metric}, pruned", "trained_on": f"{metric}, and trained on"}
    shown = [key for key in columns if points[0][key] is not None]
    rows = [[point["sparsity"], *(significant(point[key]) for key in shown)] for point in points]
    return table(["sparsity", *(columns[key] for key in shown)], rows)
