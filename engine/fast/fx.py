"""A pure function of tensors as the list of operations that it comes to, without what they do not need."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.passes.shape_prop import ShapeProp
from torch.utils import _pytree as pytree

_aten = torch.ops.aten
_KEEPS_VALUES = {_aten.view.default, _aten._unsafe_view.default, _aten.expand.default, _aten.detach.default}


def traced(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """`function`, as it runs on `arguments`, for other arguments of the same structure and shapes.

    Args:
        function: Draws nothing at random and takes no gradient through its result.
        arguments: Nested dicts and tuples of tensors; the function is called on them.
    """
    flat, structure = pytree.tree_flatten(arguments)
    results: list[pytree.TreeSpec] = []

    def on_leaves(*leaves: Any) -> list[Any]:
        found, result = pytree.tree_flatten(function(*pytree.tree_unflatten(leaves, structure)))
        results.append(result)
        return found

    module = make_fx(on_leaves)(*flat)
    if not any(_changes_something(node) for node in module.graph.nodes):
        simple = _simplified(module, flat)
        if not _share_memory(simple(*flat), flat):  # a result may be changed, and an argument must not be
            module = simple
    run, result = module.forward, results[0]

    def call(*others: Any) -> Any:
        return pytree.tree_unflatten(run(*pytree.tree_leaves(others)), result)

    return call


def _simplified(module: GraphModule, arguments: Sequence[Tensor]) -> GraphModule:
    """Without operations that give back what they were given, and those that have been done before."""
    module = copy.deepcopy(module)
    ShapeProp(module).propagate(*arguments)
    done: dict[str, Node] = {}
    for node in list(module.graph.nodes):
        if node.op != "call_function":
            continue
        same = node.args[0] if _is_idle(node) else done.setdefault(f"{node.target} {node.args} {node.kwargs}", node)
        if same is not node:
            node.replace_all_uses_with(same)
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _is_idle(node: Node) -> bool:
    if node.target not in _KEEPS_VALUES and not (node.target is _aten.mul.Scalar and node.args[1] == 1):
        return False
    after, before = node.meta["tensor_meta"], node.args[0].meta["tensor_meta"]  # type: ignore[union-attr]
    return (after.dtype, after.shape, after.stride) == (before.dtype, before.shape, before.stride)


def _share_memory(results: Sequence[Tensor], arguments: Sequence[Tensor]) -> bool:
    theirs = {argument.untyped_storage().data_ptr() for argument in arguments}
    return any(result.untyped_storage().data_ptr() in theirs for result in results)


def _changes_something(node: Node) -> bool:
    return node.op == "call_function" and bool(node.target._schema.is_mutable)  # type: ignore[union-attr]
