"""Configs: composed from YAML, flags and overrides; every mistake is one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field

from engine.config import ExperimentConfig
from engine.runs.run import Run
from experiment.compose import compose_experiment, experiment_names, quote, read_config
from utils.errors import InputError
from utils.schema import Strict


class ModelConfig(Strict):
    """The settings of a model."""

    hidden: tuple[int, ...]
    rate: float = Field(gt=0)
    note: str


CONFIG = """
defaults:
  - trainer: default
  - optimizer: sgd
  - scheduler: constant
  - tracking: default
  - hardware: cpu
  - _self_
seed: 0
tags: []
claims: []
successor: null
optimizers: {}
model: {hidden: [4, 4], rate: 0.5, note: plain}
"""
EXPERIMENT = """
# @package _global_
goal: To see how a config is made.
seeds: [0, 1]
data: {name: and, standardize: false, validation: 0.0, test: 0.0, split_seed: 0}
trainer: {batch_size: 4, evaluate_on: [train], monitor: null}
"""


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chapter in a folder with an awkward name."""
    folder = tmp_path_factory.mktemp("models") / '01 it\'s a "chapter", [1] = 100% {ok}'
    (folder / "config" / "experiment").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text(CONFIG)
    (folder / "config" / "experiment" / "and.yaml").write_text(EXPERIMENT)
    (folder / "config" / "experiment" / "adam.yaml").write_text(
        EXPERIMENT.replace("goal:", "defaults: [{override /optimizer: adam}]\ngoal:")
    )
    return folder


def composed(chapter: Path, *overrides: str, experiment: str = "and") -> ExperimentConfig[ModelConfig]:
    return compose_experiment(chapter, experiment, overrides, ModelConfig)


def refusal(chapter: Path, *overrides: str, experiment: str = "and") -> str:
    with pytest.raises(InputError) as caught:
        composed(chapter, *overrides, experiment=experiment)
    text = str(caught.value)
    assert "\n" not in text
    return text


# ---- what is composed ----------------------------------------------------------------------------------------------


def test_shared_groups_the_chapter_and_the_experiment_make_one_config(chapter: Path) -> None:
    config = composed(chapter)
    assert config.experiment == "and"
    assert config.model == ModelConfig(hidden=(4, 4), rate=0.5, note="plain")
    assert config.trainer.batch_size == 4  # the experiment's
    assert config.optimizer is not None and config.optimizer.name == "sgd"  # the shared default


def test_an_experiment_may_choose_another_member_of_a_group(chapter: Path) -> None:
    config = composed(chapter, experiment="adam")
    assert config.optimizer is not None and config.optimizer.name == "adam"


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("trainer.batch_size=8", "trainer.batch_size", 8),
        ("trainer.duration=3 epochs", "trainer.duration", "3 epochs"),
        ("optimizer.lr=1e-3", "optimizer.lr", 0.001),
        ("model.hidden=[8,8]", "model.hidden", [8, 8]),
        ("model.note='a = b, c'", "model.note", "a = b, c"),
        ("trainer.monitor={metric: train/loss, mode: min}", "trainer.monitor", {"metric": "train/loss", "mode": "min"}),
        ("scheduler=cosine", "scheduler", {"name": "cosine", "warmup": None, "final": 0.0}),
        ("optimizer=adamw", "optimizer.name", "adamw"),
        ("trainer.clip_norm=1", "trainer.clip_norm", 1.0),
        ("model.rate=${optimizer.lr}", "model.rate", 0.1),
    ],
)
def test_an_override_changes_what_it_names(chapter: Path, override: str, path: str, value: Any) -> None:
    found: Any = composed(chapter, override).model_dump(mode="json")
    for part in path.split("."):
        found = found[part]
    assert found == value


def test_the_last_override_of_a_setting_counts(chapter: Path) -> None:
    assert composed(chapter, "seed=1", "seed=2").seed == 2


def test_a_chosen_group_may_be_adjusted(chapter: Path) -> None:
    config = composed(chapter, "optimizer=adam", "optimizer.eps=1e-6")
    assert config.optimizer is not None and config.optimizer.model_dump()["eps"] == 1e-6


def test_experiments_are_the_files_in_their_folder(chapter: Path) -> None:
    assert experiment_names(chapter) == ["adam", "and"]


def test_composing_twice_gives_the_same(chapter: Path) -> None:
    assert composed(chapter, "seed=3") == composed(chapter, "seed=3")


@settings(max_examples=15)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_any_text_can_be_quoted(chapter: Path, text: str) -> None:
    if "$" in text:  # an interpolation is an interpolation inside quotes too
        return
    assert composed(chapter, f"model.note={quote(text)}").model.note == text


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_an_unknown_experiment_comes_with_the_closest_one(chapter: Path) -> None:
    assert refusal(chapter, experiment="nad") == "unknown experiment 'nad', did you mean 'and'?; known: adam, and"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.batchsize=3", "trainer.batchsize is not a known key, did you mean 'trainer.batch_size'?"),
        ("lr=3", "lr is not a known key"),
        ("seeed=3", "seeed is not a known key, did you mean 'seed'?"),
        ("+seeed=3", "seeed is not a known key, did you mean 'seed'?"),
        ("+model.layers=3", "model.layers is not a known key"),
        ("trainer.batch_size=many", "trainer.batch_size: input should be a valid integer"),
        ("trainer.batch_size=0", "trainer.batch_size: input should be greater than or equal to 1 (got 0)"),
        ("model.rate=-1", "model.rate: input should be greater than 0 (got -1)"),
        ("model.hidden=[a]", "model.hidden.0: input should be a valid integer"),
        ("optimizer.lr=nan", "optimizer.lr: input should be a finite number"),
        ("optimizer.betas=[1,2]", "optimizer.betas is not a known key"),
        ("trainer.duration=10", "trainer.duration: give a number and a unit, such as '20 epochs'"),
        ("trainer.duration='0 epochs'", "trainer.duration: a duration must be more than 0"),
        ("trainer.evaluate_on=[training]", "trainer.evaluate_on.0: input should be 'train' or 'validation'"),
        ("~trainer.batch_size", "trainer.batch_size is missing"),
        ("data.name=adn", "unknown data.name 'adn', did you mean 'and'?; known: "),
        ("data.validation=0.5", "data.validation: a Boolean function of two inputs has four points"),
        ("optimizer=adma", "unknown optimizer 'adma', did you mean 'adam'?; known: adam, adamw, sgd"),
        ("trainer.monitor={metric: m, mode: mix}", "trainer.monitor.mode: input should be 'min' or 'max'"),
        ("model.note=${nowhere}", "nowhere"),
        ("model.note=${model.note}", ""),
        ("trainer=small", "unknown trainer 'small'; known: default"),
        ("trainer=3", "config of and: "),
        ("data=xor", "data: this should be a section of keys and values (got 'xor')"),
        ("seeds.x=1", "seeds.x is not a known key, did you mean 'seeds'?"),
        ("seed.x=1", "seed.x is not a known key, did you mean 'seed'?"),
        ("+seeds.0=3", "config of and: "),
        ("seed=1,2", "the override 'seed=1,2' has several values: give one"),
        ("seed=range(3)", "has several values"),
        ("experiment=adam", "--experiment chooses the experiment"),
        ("hydra.run.dir=/tmp", "the override 'hydra.run.dir=/tmp' is of no setting"),
    ],
)
def test_a_mistake_in_an_override_is_one_clear_line(chapter: Path, override: str, message: str) -> None:
    assert message in refusal(chapter, override)


@pytest.mark.parametrize("override", ["seed", "=3", "seed=[1,", "", "seed: 3", "--seed", "model.note=a,b]"])
def test_what_is_no_override_is_refused_with_how_to_write_one(chapter: Path, override: str) -> None:
    assert refusal(chapter, override).startswith(f"cannot read the override '{override}': write key=value, such as ")


def test_all_mistakes_are_named_at_once(chapter: Path) -> None:
    text = refusal(chapter, "trainer.batchsize=3", "trainer.workers=-1", "optimiser.lr=1", "model.rate=0", "seed=x")
    for part in (
        "trainer.batchsize is not a known key, did you mean 'trainer.batch_size'?",
        "optimiser.lr is not a known key, did you mean 'optimizer.lr'?",
        "trainer.workers: ",
        "model.rate: ",
        "seed: ",
    ):
        assert text.count(part) == 1
    assert text.count("config of and") == 1


def test_settings_that_contradict_each_other_are_refused(chapter: Path) -> None:
    text = refusal(chapter, "trainer.early_stopping={patience: 3, min_delta: 0}")
    assert text == "config of and: trainer: early_stopping needs a monitor to watch"


@pytest.mark.parametrize(
    "content",
    [
        "# @package _global_\n- 1\n- 2\n",
        "# @package _global_\n: : :\n",
        "# @package _global_\ngoal: [unclosed\n",
        "# @package _global_\ngoal: ${nowhere}\n",
        "# @package _global_\ngoal: ???\n",
        "# @package _global_\ndefaults: [{nowhere: x}]\n",
        "# @package _global_\ngoal: once\ngoal: twice\n",
        "",
        "a",
        "# @package _global_\ngoal: \xff\n",
    ],
)
def test_a_mistake_in_an_experiment_file_is_one_clear_line(chapter: Path, tmp_path: Path, content: str) -> None:
    broken = tmp_path / "chapter"
    shutil.copytree(chapter, broken)
    (broken / "config" / "experiment" / "and.yaml").write_text(content, encoding="latin-1")
    assert refusal(broken)
    assert refusal(broken, "seed=3", "seeed=3")


# ---- a saved config ------------------------------------------------------------------------------------------------


def saved(config: ExperimentConfig[ModelConfig], outputs: Path) -> Path:
    run = Run(Path("models/01"), config, outputs)
    run.open({}, step=0)
    return run.folders.models / "config.yaml"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["trainer.duration='1234567 examples'", "trainer.checkpoint.every='0.00001 epochs'"],
        [
            "optimizer=adam",
            "scheduler=step",
            "scheduler.warmup='3 steps'",
            "model.rate=1e-12",
            "model.note='{a: é}\\n'",
        ],
        ["tags=[a,b c]", "trainer.monitor={metric: train/loss, mode: min}", "model.note=''", "model.hidden=[]"],
        ["model.note='off'", "tags=['1','null','1e3','2020-01-01']"],
        ["successor=02_adaline/and", "model.note='a $ sign'"],
    ],
)
def test_a_saved_config_replays_the_run(chapter: Path, tmp_path: Path, overrides: list[str]) -> None:
    config = composed(chapter, *overrides)
    assert read_config(saved(config, tmp_path), [], ModelConfig) == config


@settings(max_examples=25)
@given(
    note=st.text(st.characters(exclude_categories=["Cs"])), rate=st.floats(1e-300, 1e300), seed=st.integers(0, 2**31)
)
@example(note="a line\x85another\x85", rate=1.0, seed=0)  # what Unicode calls a new line
def test_any_value_survives_being_saved(
    chapter: Path, tmp_path_factory: pytest.TempPathFactory, note: str, rate: float, seed: int
) -> None:
    model = ModelConfig(hidden=(), rate=rate, note=note)
    config = composed(chapter).model_copy(update={"model": model, "seed": seed})
    assert read_config(saved(config, tmp_path_factory.mktemp("outputs")), [], ModelConfig) == config


def test_a_run_that_was_only_opened_says_whose_it_is(chapter: Path, tmp_path: Path) -> None:
    path = saved(composed(chapter), tmp_path).with_name("metrics.json")
    known = json.loads(path.read_text())
    assert {"status": "running", "chapter": "01", "experiment": "and", "seed": 0}.items() <= known.items()


def test_a_saved_config_can_be_changed(chapter: Path, tmp_path: Path) -> None:
    config = composed(chapter)
    path = saved(config, tmp_path)
    changed = read_config(path, ["model.hidden=[1]", "trainer.clip_norm=2"], ModelConfig)
    assert (changed.model.hidden, changed.trainer.clip_norm) == ((1,), 2.0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.batchsize=3", "trainer.batchsize is not a known key, did you mean 'trainer.batch_size'?"),
        ("trainer.batch_size=0", "trainer.batch_size: "),
        ("optimizer=adam", "optimizer: "),
        ("seed=1,2", "has several values"),
        ("~trainer.batch_size", "trainer.batch_size"),
        ("seed.x=3", "seed.x is not a known key"),
        ("seeds.x=3", "seeds.x is not a known key"),
        ("nonsense", "cannot read the override 'nonsense'"),
        ("model.note=${nowhere}", "nowhere"),
    ],
)
def test_a_mistake_in_a_change_is_one_clear_line(chapter: Path, tmp_path: Path, override: str, message: str) -> None:
    path = saved(composed(chapter), tmp_path)
    with pytest.raises(InputError) as caught:
        read_config(path, [override], ModelConfig)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ["- 1\n- 2\n", "just text", "a: [1", "a: b: c", "", "a: !!python/object:os.system x", "goal: ${nowhere}", "\xff"],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        read_config(path, [], ModelConfig)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text and "None" not in text


def test_a_config_learns_nothing_of_the_environment(
    chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    path = saved(composed(chapter), tmp_path)
    path.write_text(path.read_text().replace("note: ", "note: ${oc.env:A_SECRET} # "))
    for read in (
        lambda: read_config(path, [], ModelConfig),
        lambda: composed(chapter, "model.note=${oc.env:A_SECRET}"),
    ):
        with pytest.raises(InputError, match="Unsupported interpolation type") as caught:
            read()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["gone.yaml", "."])
def test_a_config_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot read config .*: (No such file|Is a directory)"):
        read_config(tmp_path / name, [], ModelConfig)


def test_a_saved_config_is_plain_yaml_that_reads_like_the_one_a_person_wrote(chapter: Path, tmp_path: Path) -> None:
    text = saved(composed(chapter, "model.note='größer'"), tmp_path).read_text()
    assert "duration: 10 epochs" in text and "größer" in text
    assert list(yaml.safe_load(text))[:3] == ["experiment", "goal", "seeds"]
