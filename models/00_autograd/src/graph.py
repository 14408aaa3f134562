"""A tape as a picture needs it: names and arrows."""

from tape import Variable, in_order


def graph_of(last: Variable) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The graph that ends in `last`.

    Returns:
        A name for each variable, its operation and its shape, in topological order; and the arrows between them, as
        pairs of places in that order (from, to).
    """
    order = in_order(last)
    place = {id(node): i for i, node in enumerate(order)}
    names = tuple(f"{node.operation}\n{' × '.join(map(str, node.shape)) or 'number'}" for node in order)
    return names, tuple((place[id(source)], place[id(node)]) for node in order for source, _ in node.sources)
