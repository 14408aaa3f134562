"""`scratch optimise --quantize int8`: an ONNX file in int8, held against the checkpoint and against its own export."""

from pathlib import Path

import click

from deployment.export.agreement import largest_difference
from deployment.export.as_onnx import OnnxModel
from deployment.export.card import FILE as CARD
from deployment.export.card import model_card
from deployment.export.forms import export
from deployment.optimise import int8
from deployment.optimise.measuring import Form, torch_form
from deployment.optimise.original import Original
from deployment.optimise.report import new_report, write_report
from utils.files import write_atomic


def quantize_model(original: Original, folder: Path | None, force: bool) -> None:
    """Export, quantize, measure; the files are `model.onnx` and `model.int8.onnx`.

    Args:
        original: The model.
        folder: Where they and the report go.
        force: Replace an earlier report there.

    Raises:
        InputError: Nothing in the model can be quantized, or there is something at `folder`.
        RunError: The chapter cannot be exported, or the folder cannot be written.
    """
    folder = folder or original.folder_for("int8")
    with new_report(folder, force) as partial:
        smaller, says = _quantize(original, partial)
    click.echo(f"\n{says}\n{smaller}, its model card and the report are in {folder}")


def _quantize(original: Original, folder: Path) -> tuple[str, str]:
    """Fill `folder`; the name of the int8 file, and what is to be said of it."""
    predictor, task = original.predictor, original.task
    plain = export(predictor, "onnx", folder)
    smaller, products = int8.write(plain, folder)
    forms = [torch_form("checkpoint", predictor), _onnx_form("ONNX", plain), _onnx_form("int8 ONNX", smaller)]
    difference = largest_difference(predictor, smaller)
    changed = task.changed(predictor.pipeline, forms[-1].ask) if predictor.data.n_classes else None
    measured = original.measure(forms)
    write_report(folder, original, measured, products=products, difference=difference, changed_answers=changed)
    says = f"{products}; outputs on random inputs differ from the checkpoint's by at most {difference:.2g}"
    if changed is not None:
        says += f"; {changed} of {len(task.examples)} {task.split} examples get another answer"
    before, after = measured[0].value, measured[-1].value
    about = f"`{smaller.name}`: {says}; {task.split} {task.metric} {before:.6g} before and {after:.6g} after."
    write_atomic(folder / CARD, f"{model_card(predictor, folder)}\n## In int8\n\n{about}\n")
    return smaller.name, says


def _onnx_form(name: str, path: Path) -> Form:
    return Form(name, path.read_bytes(), OnnxModel(path))
