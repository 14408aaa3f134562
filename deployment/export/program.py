"""The computation of a predictor as a graph that needs none of the chapter's code."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.export import Dim, ExportedProgram
from torch.fx import GraphModule

from inference.predictor import Predictor
from utils.errors import Interrupted, RunError


def program(predictor: Predictor) -> ExportedProgram:
    """`predictor.pipeline` on the CPU, for batches of any length.

    The graph does not say where in the source its operations stood: that would name this machine's folders, and make
    equal models differ.

    Raises:
        RunError: The chapter's `ask` does something that cannot be written down as a graph.
    """
    pipeline = copy.deepcopy(predictor.pipeline).cpu()
    example = torch.zeros(2, *predictor.data.input_shape)
    try:
        with quietly():
            traced = torch.export.export(pipeline, (example,), dynamic_shapes=({0: Dim("batch")},))
    except Interrupted:
        raise
    except Exception as error:  # what cannot be traced is told by many types
        raise RunError(
            f"{predictor.chapter.folder.name} cannot be exported: {reason(error)}; "
            "the function outputs in its src/serving.py may hold tensor operations only, the same for every batch"
        ) from error
    graphs = [each.graph for each in traced.graph_module.modules() if isinstance(each, GraphModule)]  # loops have some
    for node in (node for graph in graphs for node in graph.nodes):
        for note in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(note, None)
    return traced


def reason(error: BaseException) -> str:
    """The first line of what `error` was raised from in the first place; torch adds pages to it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps to itself what torch and onnxscript say about their own inner life."""
    former = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(former)
