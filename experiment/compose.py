"""From YAML files, flags and overrides to one validated config. Hydra stays in this file."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from utils.errors import InputError, did_you_mean, unknown

if TYPE_CHECKING:  # imported where used: the names of experiments are part of --help
    import utils.schema
    from engine.config import ExperimentConfig

SHARED_CONFIG = Path(__file__).resolve().parents[1] / "config"

Model = TypeVar("Model", bound="utils.schema.Strict")


def experiment_names(chapter: Path) -> list[str]:
    """The experiments of a chapter: the names of its files in `config/experiment/`."""
    return sorted(path.stem for path in (chapter / "config" / "experiment").glob("*.yaml"))


def compose_experiment(
    chapter: Path, experiment: str, overrides: Sequence[str], model_config: type[Model]
) -> "ExperimentConfig[Model]":
    """The config of an experiment: shared groups, the chapter's defaults, the experiment, then `overrides`.

    Raises:
        InputError: The experiment is unknown, or the config has mistakes; all of them are named.
    """
    if experiment not in experiment_names(chapter):
        raise unknown("experiment", experiment, experiment_names(chapter))
    raw, problems = _compose(chapter, experiment, overrides)
    return _validated({**raw, "experiment": experiment}, problems, model_config, f"config of {experiment}")


def read_config(
    path: Path, overrides: Sequence[str], model_config: type[Model], chapter: Path | None = None
) -> "ExperimentConfig[Model]":
    """The config that a run saved, with `overrides` on top.

    Args:
        path: The run's `config.yaml`.
        overrides: `key=value`, or `group=choice`, which stands for the section that the run's experiment has with it.
        model_config: The schema of the `model` section.
        chapter: The folder that has the groups; without it there are none.

    Raises:
        InputError: It cannot be read, or has mistakes; all of them are named.
    """
    import yaml
    from omegaconf import OmegaConf

    try:
        raw = yaml.safe_load(path.read_text("utf-8"))  # as it was written: OmegaConf's YAML takes '1e3' for a number
    except OSError as error:
        raise InputError(f"cannot read config {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {_flat(error)}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path} is not a config: it should hold keys and values")
    config = OmegaConf.create(raw)
    problems = []
    changes = [_parse(override) for override in overrides]
    choices = [change for change in changes if chapter is not None and _is_choice(change, chapter)]
    if chapter is not None and choices:  # first, as Hydra does: values are set on top of the choices
        composed = OmegaConf.create(_composed_again(chapter, raw, overrides))
        for key in (change.key_or_group.replace("/", ".") for change in choices):
            OmegaConf.update(config, key, OmegaConf.select(composed, key), merge=False)
    for change in changes:
        if change in choices:
            continue
        if _has(config, change.key_or_group):
            OmegaConf.update(config, change.key_or_group, change.value(), merge=False)
        else:
            problems.append(_unknown_key(change.key_or_group, raw))
    return _validated(_plain(config, str(path)), problems, model_config, str(path))


def refuse_all_but(used: Sequence[str], overrides: Sequence[str], otherwise: str) -> None:
    """Refuse the first of `overrides` that is of no setting or section in `used`; `otherwise` says why.

    Raises:
        InputError: There is one.
    """
    for key in (_parse(override).key_or_group for override in overrides):
        if not any(f"{key}.".startswith(f"{each}.") for each in used):
            raise InputError(f"{key} would have no effect: {otherwise}; what can be changed is {', '.join(used)}")


def _compose(chapter: Path, experiment: str, overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The composed config, with the overrides that name no key left out and reported."""
    import yaml
    from hydra import compose, initialize_config_dir
    from hydra.errors import ConfigCompositionException, MissingConfigException
    from omegaconf import OmegaConf

    source = f"config of {experiment}"
    fixed = [f"hydra.searchpath=[{quote('file://' + str(SHARED_CONFIG))}]", f"+experiment={quote(experiment)}"]

    def composed(changes: Sequence[str]) -> dict[str, Any]:
        try:
            return _plain(compose("config", overrides=[*fixed, *changes]), source)
        except MissingConfigException as error:
            group, _, choice = (error.missing_cfg_file or "").rpartition("/")
            raise unknown(group, choice, error.options or ()) from None
        except (ConfigCompositionException, yaml.YAMLError, ValueError) as error:  # ValueError: a group set to no name
            raise InputError(f"{source}: {_flat(error)}") from None

    parsed = {override: _parse(override) for override in overrides}
    with initialize_config_dir(version_base="1.3", config_dir=str(chapter / "config")):
        try:
            return composed(overrides), []
        except InputError:  # Hydra names the first mistake only; with unknown keys left out, the others are found
            groups = [override for override, change in parsed.items() if _is_group(change.key_or_group, chapter)]
            base = composed(groups)
            known = [
                override for override, change in parsed.items() if _has(OmegaConf.create(base), change.key_or_group)
            ]
            if len(known) == len(parsed):
                raise
            unknown_keys = [change.key_or_group for override, change in parsed.items() if override not in known]
            return composed(known), [_unknown_key(key, base) for key in unknown_keys]


def _composed_again(chapter: Path, saved: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The experiment of a saved config, composed with `overrides`; unknown keys are left to the caller."""
    experiment = str(saved.get("experiment"))
    if experiment not in experiment_names(chapter):
        raise unknown("experiment", experiment, experiment_names(chapter))
    return _compose(chapter, experiment, overrides)[0]


def _is_choice(change: Any, chapter: Path) -> bool:
    """Whether an override chooses a file of a group; a section may also be given whole, or as null."""
    return isinstance(change.value(), str) and _is_group(change.key_or_group, chapter)


def _is_group(key: str, chapter: Path) -> bool:
    return any((folder / key).is_dir() for folder in (chapter / "config", SHARED_CONFIG))


def _has(config: Any, key: str) -> bool:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    absent = object()
    try:
        return OmegaConf.select(config, key, default=absent) is not absent
    except OmegaConfBaseException:  # the key goes on where there is a list or a value
        return False


def quote(text: str) -> str:
    """`text` as one value in Hydra's override grammar."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)  # a backslash counts as one unless a quote follows
    escaped = re.sub(r"(\\+)\Z", r"\1\1", escaped)
    return f"'{escaped}'"


def _parse(override: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        (change,) = OverridesParser.create().parse_overrides([override])
    except OverrideParseException:
        change = None
    if change is None or not change.key_or_group:
        raise InputError(f"cannot read the override '{override}': write key=value, such as trainer.batch_size=8")
    if change.is_sweep_override():
        raise InputError(f"the override '{override}' has several values: give one, or write a list as [1,2]")
    if change.key_or_group.startswith(("experiment", "hydra")):
        raise InputError(f"the override '{override}' is of no setting; --experiment chooses the experiment")
    return change


def _validated(
    raw: dict[str, Any], problems: list[str], model_config: type[Model], source: str
) -> "ExperimentConfig[Model]":
    from engine.config import ExperimentConfig
    from utils.schema import validate

    try:
        config = validate(ExperimentConfig[model_config], raw, source)  # type: ignore[valid-type]
    except InputError as error:
        raise InputError("; ".join([str(error), *problems])) from None
    if problems:
        raise InputError(f"{source}: {'; '.join(problems)}")
    return config


def _unknown_key(key: str, config: dict[str, Any]) -> str:
    return f"{key} is not a known key{did_you_mean(key, _keys(config))}"


def _keys(tree: Any, prefix: str = "") -> Iterable[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield f"{prefix}{key}"
            yield from _keys(value, f"{prefix}{key}.")


def _plain(config: Any, source: str) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    OmegaConf.clear_resolver("oc.env")  # a config may come from anyone, and what it says is kept and tracked
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{source}: {_flat(error)}") from None
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _flat(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split())
