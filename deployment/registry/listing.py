"""The registry's models and versions as tables."""

from datetime import UTC, datetime

from deployment.registry.client import ALIASES, Registry
from utils.terminal.table import table


def models(registry: Registry) -> str:
    """A row for each model: how many versions it has, and which one each alias names."""
    rows: list[list[object]] = []
    for model in registry.names():
        aliases = registry.aliases(model)
        rows.append([model, len(registry.versions(model)), *(aliases.get(alias, "-") for alias in ALIASES)])
    return table(["model", "versions", *ALIASES], rows)


def versions(registry: Registry, model: str) -> str:
    """A row for each version of `model`."""
    rows = [
        [
            version.number,
            " ".join(version.aliases) or "-",
            *(version.tags.get(tag, "-") for tag in ("run_id", "step", "signature")),
            datetime.fromtimestamp(version.created, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        ]
        for version in registry.versions(model)
    ]
    return table(["version", "alias", "run", "step", "signature", "registered"], rows)
