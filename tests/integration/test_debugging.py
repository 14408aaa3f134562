"""Help with a model that does not learn: the rehearsal, and overfitting on purpose."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from data_utils.batches import epoch_order
from engine.dry_run import dry_run
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench, Outcome
from tests.doubles.scripts import TRAIN, call
from tests.integration.test_trainer import fail_at
from utils.errors import InputError, RunError


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


def rehearse(bench: Bench, *overrides: str, **training: object) -> Outcome:
    plots = ("learning_curve",)
    run = bench.run(bench.config("blobs", *overrides), instead=dry_run, plots=plots)
    return bench.train(run, **training)  # type: ignore[arg-type]


# ---- --dry-run ---------------------------------------------------------------------------------------------------

PHASES = ["data", "model", "training step", "evaluation", "checkpoint", "plots"]


@pytest.mark.parametrize("changes", [(), ("optimizer=adam", "trainer.ema_decay=0.9", "trainer.accumulate=2")])
def test_a_dry_run_goes_through_every_phase_and_writes_nothing(
    changes: tuple[str, ...], bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearse(bench, *changes)
    title, *phases, last = capsys.readouterr().out.splitlines()
    assert title.startswith("dry run of blobs: ")
    assert [line.partition(" ok ")[0].strip() for line in phases] == PHASES
    assert last == "nothing was written"
    assert not bench.outputs.exists()


def test_a_dry_run_by_the_script_draws_all_plots_of_the_experiment_and_leaves_no_file(tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--dry-run", "--outputs", tmp_path / "outputs", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    assert "learning_curve, decision_boundary, weight_trajectory" in ended.stdout
    assert list(tmp_path.iterdir()) == []


class WrongShape(nn.Module):
    """A model whose evaluation is not made for its data."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": nn.functional.cross_entropy(self.layer(batch[0]), batch[1])}

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": self.layer(batch[0][:, :2]).argmax(1), "targets": batch[1]}


def test_a_wrong_shape_is_one_line_that_names_the_phase(bench: Bench) -> None:
    with pytest.raises(RunError, match=r"^evaluation: RuntimeError: mat1 and mat2 shapes .*; --debug shows where$"):
        rehearse(bench, model=WrongShape())
    with pytest.raises(RunError, match=r"^training step: ZeroDivisionError: a defect; "):
        rehearse(bench, prepare=fail_at(1))
    assert not bench.outputs.exists()


def test_what_cannot_be_saved_is_found_by_a_dry_run(bench: Bench) -> None:
    def spoil(model: nn.Module) -> None:
        model.register_buffer("spoiled", torch.tensor(torch.nan))

    with pytest.raises(RunError, match="spoiled is not finite"):
        rehearse(bench, prepare=spoil)


def test_an_unknown_monitor_is_found_by_a_dry_run(bench: Bench) -> None:
    with pytest.raises(InputError, match="evaluated are: model/weight_norm, train/accuracy"):
        rehearse(bench, "trainer.monitor.metric=validation/acuracy")


def test_a_dry_run_is_not_resumed(tmp_path: Path) -> None:
    ended = call(TRAIN, "--resume", "latest", "--dry-run", "--outputs", tmp_path)
    assert (ended.code, ended.stderr) == (2, "error: --dry-run and --resume do not go together: give one of them\n")


# ---- --overfit-batches -------------------------------------------------------------------------------------------


def test_a_sound_model_learns_one_batch_by_heart(bench: Bench) -> None:
    changes = ("trainer.overfit_batches=1", "trainer.duration=200 epochs", "model.dropout=0.0")
    outcome = bench.train(bench.run(bench.config("blobs", *changes)))
    assert outcome.summary["step"] == 200
    assert outcome.summary["last"]["train/accuracy"] == 1
    assert outcome.summary["last"]["train/loss"] < 0.05
    assert outcome.summary["last"]["validation/loss"] == outcome.summary["last"]["train/loss"]
    assert "overfit_batches: 1\n" in (outcome.run.folders.models / "config.yaml").read_text()


def test_only_the_examples_of_the_first_batches_are_ever_seen(bench: Bench) -> None:
    from data_utils import load

    seen: set[tuple[float, ...]] = set()

    def watch(model: nn.Module) -> None:
        step = model.training_step

        def watched(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            seen.update(map(tuple, batch[0].tolist()))
            return step(batch)  # type: ignore[no-any-return, operator]

        model.training_step = watched  # type: ignore[assignment]

    config = bench.config("blobs", "trainer.overfit_batches=2", "seed=5")
    bench.train(bench.run(config), prepare=watch)
    inputs = load(config.data).train.inputs
    assert seen == set(map(tuple, inputs[epoch_order(len(inputs), 5, 0)[:16]].tolist()))


def test_more_batches_than_an_epoch_has_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"trainer\.overfit_batches is 7, but an epoch has only 6 batches of 8"):
        bench.train(bench.run(bench.config("blobs", "trainer.overfit_batches=7")))
    assert not bench.outputs.exists()


def test_the_flag_ends_up_in_the_config_of_a_self_updating_model_too(tmp_path: Path) -> None:
    flags = ("--overfit-batches", 1, "--epochs", 20, "--no-wandb", "--outputs", tmp_path, "trainer.batch_size=3")
    ended = call(TRAIN, "--experiment", "xor", *flags)
    assert ended.code == 0, ended.stderr
    assert "train/accuracy           1\n" in ended.stdout  # three points of XOR can be told apart by a line
    assert "the same 3 examples and no others" in ended.stderr
    assert Bench(PERCEPTRON, tmp_path).config("xor").trainer.overfit_batches is None
