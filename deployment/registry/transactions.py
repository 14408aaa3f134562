"""What changes the registry: a new version, and an alias that moves."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from deployment.registry.client import DIGEST, FOLDER, Registry, Version, version_of
from deployment.registry.failures import explained, unless_there
from deployment.registry.manifest import seal
from deployment.registry.uri import database


def add(registry: Registry, name: str, bundle: Path, tags: Mapping[str, str]) -> Version:
    """Seal the folder `bundle` and make it the next version of the model `name`; the model is made where it is new.

    Raises:
        RunError: The registry cannot be reached or written.
    """
    client, experiment, digest = registry.client, f"registry/{name}", seal(bundle)
    file = database(registry.uri)
    place = (file.parent / "mlflow").as_uri() if file else None  # a server has its own place for files
    with explained(registry.uri):
        unless_there(lambda: client.create_experiment(experiment, artifact_location=place))
        unless_there(lambda: client.create_registered_model(name))
        run = client.create_run(client.get_experiment_by_name(experiment).experiment_id).info.run_id
        try:
            client.log_artifacts(run, str(bundle), FOLDER)
            client.set_terminated(run)
            source = f"runs:/{run}/{FOLDER}"
            return version_of(client.create_model_version(name, source, run, tags={**tags, DIGEST: digest}))
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell
                client.delete_run(run)
            raise


def move(registry: Registry, alias: str, version: Version, record: Mapping[str, object]) -> None:
    """Let `alias` name `version`, and no other one, from one moment to the next.

    The record is written first, so that no alias moves without one.

    Args:
        registry: Where.
        alias: One of `ALIASES`.
        version: Which.
        record: Who, when and why; has `at`, an ISO time.

    Raises:
        RunError: The registry cannot be reached or written.
    """
    client, number = registry.client, str(version.number)
    with explained(registry.uri):
        client.set_model_version_tag(
            version.name, number, f"promotion {record['at']} {alias}", json.dumps(record, ensure_ascii=False)
        )
        if "archived" in version.aliases:
            client.delete_registered_model_alias(version.name, "archived")
        client.set_registered_model_alias(version.name, alias, number)
