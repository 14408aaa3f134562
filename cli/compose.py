"""From YAML files, flags and overrides to one validated config. Hydra stays in this file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.config import ExperimentConfig
from utils.errors import InputError, did_you_mean, unknown
from utils.schema import Strict, validate

SHARED_CONFIG = Path(__file__).resolve().parents[1] / "config"

Model = TypeVar("Model", bound=Strict)


def experiment_names(chapter: Path) -> list[str]:
    """The experiments of a chapter: the names of its files in `config/experiment/`."""
    return sorted(path.stem for path in (chapter / "config" / "experiment").glob("*.yaml"))


def compose_experiment(
    chapter: Path, experiment: str, overrides: Sequence[str], model_config: type[Model]
) -> ExperimentConfig[Model]:
    """The config of an experiment: shared groups, the chapter's defaults, the experiment, then `overrides`.

    Raises:
        InputError: The experiment is unknown, or the config has mistakes; all of them are named.
    """
    if experiment not in experiment_names(chapter):
        raise unknown("experiment", experiment, experiment_names(chapter))
    raw, problems = _compose(chapter, experiment, overrides)
    return _validated({**raw, "experiment": experiment}, problems, model_config, f"config of {experiment}")


def read_config(path: Path, overrides: Sequence[str], model_config: type[Model]) -> ExperimentConfig[Model]:
    """The config that a run saved, with `overrides` on top.

    Raises:
        InputError: It cannot be read, or has mistakes; all of them are named.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        config = OmegaConf.load(path)
        if not OmegaConf.is_dict(config):
            raise InputError(f"{path} is not a config: it should hold keys and values")
    except OSError as error:
        raise InputError(f"cannot read config {path}: {error.strerror}") from None
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {_first_line(error)}") from None
    problems = []
    for override in _parse(overrides):
        if OmegaConf.select(config, override.key_or_group, default=_ABSENT) is _ABSENT:
            problems.append(_unknown_key(override.key_or_group, config))
        else:
            OmegaConf.update(config, override.key_or_group, override.value(), merge=False)
    return _validated(_plain(config), problems, model_config, str(path))


_ABSENT = object()


def _compose(chapter: Path, experiment: str, overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The composed config, with the overrides that name no key left out and reported."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import ConfigCompositionException, MissingConfigException
    from omegaconf import OmegaConf

    fixed = [f"hydra.searchpath=[{quote('file://' + str(SHARED_CONFIG))}]", f"+experiment={quote(experiment)}"]
    parsed = _parse(overrides)
    with initialize_config_dir(version_base="1.3", config_dir=str(chapter / "config")):
        try:
            return _plain(compose("config", overrides=[*fixed, *overrides])), []
        except MissingConfigException as error:
            raise InputError(_flat(error)) from None
        except ConfigCompositionException as error:
            base = compose("config", overrides=fixed)
            known = [
                each for each in parsed if OmegaConf.select(base, each.key_or_group, default=_ABSENT) is not _ABSENT
            ]
            if len(known) == len(parsed):
                raise InputError(f"config of {experiment}: {_flat(error)}") from None
            problems = [_unknown_key(each.key_or_group, base) for each in parsed if each not in known]
            kept = [each.input_line for each in known if each.input_line is not None]
            return _plain(compose("config", overrides=[*fixed, *kept])), problems


def quote(text: str) -> str:
    """`text` as one value in Hydra's override grammar."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _parse(overrides: Sequence[str]) -> list[Any]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    parsed = []
    for override in overrides:
        try:
            parsed.extend(OverridesParser.create().parse_overrides([override]))
        except OverrideParseException:
            raise InputError(
                f"cannot read the override '{override}': write key=value, such as trainer.batch_size=8"
            ) from None
    return parsed


def _validated(
    raw: dict[str, Any], problems: list[str], model_config: type[Model], source: str
) -> ExperimentConfig[Model]:
    try:
        config = validate(ExperimentConfig[model_config], raw, source)  # type: ignore[valid-type]
    except InputError as error:
        raise InputError("; ".join([str(error), *problems])) from None
    if problems:
        raise InputError(f"{source}: {'; '.join(problems)}")
    return config


def _unknown_key(key: str, config: Any) -> str:
    return f"{key} is not a known key{did_you_mean(key, _keys(_plain(config)))}"


def _keys(tree: Any, prefix: str = "") -> Iterable[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield f"{prefix}{key}"
            yield from _keys(value, f"{prefix}{key}.")


def _plain(config: Any) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise InputError(_flat(error)) from None
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _flat(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split())


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
