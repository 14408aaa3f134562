"""The command lines of a chapter's `train.py` and `evaluate.py`, the same for every chapter."""

import functools
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiment.options import PROFILED_STEPS
from experiment.seeds import refuse_beside_seeds, seeds_of
from experiment.training import task_of
from project.unwritten import not_written_yet
from utils.errors import InputError
from utils.ranks import is_main, world_size
from utils.terminal.run import run_command

if TYPE_CHECKING:
    from engine.config import ExperimentConfig
    from engine.evaluation.checkpoint import CheckpointEvaluation
    from engine.runs.run import Run
    from engine.trainer import Trainer
    from utils.schema import Strict

Plots = Mapping[str, tuple[str, ...]]

_EVALUATION_USES = ("data", "hardware", "seed", "trainer.batch_size", "trainer.metrics")

_SHARED_OPTIONS = (
    click.option("--visualize", is_flag=True, help="Draw the experiment's plots."),
    click.option(
        "--plot", "chosen_plots", metavar="NAME", multiple=True, help="Draw this plot instead; may be repeated."
    ),
    click.option(
        "--outputs", type=click.Path(path_type=Path), help="Where results go; default: the chapter's outputs/."
    ),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...", type=click.UNPROCESSED),
)


def _shared_options(command: Callable[..., None]) -> Callable[..., None]:
    """What both scripts take."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(_SHARED_OPTIONS), command)


def train_command(script: str, model_config: "type[Strict]", plots: Plots, main: "Callable[[Run], Trainer]") -> None:
    """Read the command line of a `train.py`, then train the run that it asks for.

    Args:
        script: The script's `__file__`.
        model_config: The schema of the chapter's `model` section.
        plots: Experiment name to the plots that `--visualize` draws.
        main: Builds data and model, and prepares a trainer for them.
    """
    chapter = Path(script).resolve().parents[1]

    @click.command(help=f"Train a model of chapter {chapter.name}. KEY=VALUE overrides any setting of the config.")
    @click.option("--experiment", metavar="NAME", help=f"One of {_names(chapter)}.")
    @click.option("--config", "config_file", type=click.Path(path_type=Path), help="Replay a run's config.yaml.")
    @click.option("--epochs", type=click.IntRange(min=1), help="How long to train.")
    @click.option("--seed", type=click.IntRange(min=0), help="Seed of every random draw.")
    @click.option(
        "--seeds", metavar="LIST", help="One run for each of several seeds, such as 0-7 or 0,3,5, together if possible."
    )
    @click.option(
        "--load-checkpoint",
        metavar="REF",
        help="Start from the weights of a file, a run id, 'latest', or a wandb artifact.",
    )
    @click.option("--resume", metavar="RUN", help="Go on with a run: its id, 'latest', or 'auto'.")
    @click.option("--no-save-checkpoint", is_flag=True, help="Keep no weights.")
    @click.option("--no-wandb", is_flag=True, help="Do not log to Weights & Biases.")
    @click.option("--tags", metavar="A,B", help="Tags of the run, separated by commas.")
    @click.option("--dry-run", is_flag=True, help="Take one batch through every phase and write nothing.")
    @click.option(
        "--overfit-batches", type=click.IntRange(min=1), metavar="N", help="Train on the first N batches only."
    )
    @click.option("--find-lr", is_flag=True, help="Draw the loss over a rising learning rate instead of training.")
    @click.option("--profile", type=PROFILED_STEPS, metavar="STEPS", help="Measure so many steps instead.")
    @click.option("--serve", is_flag=True, hidden=True)  # for `scratch reproduce`
    @_shared_options
    def train(
        experiment: str | None,
        config_file: Path | None,
        epochs: int | None,
        seed: int | None,
        seeds: str | None,
        load_checkpoint: str | None,
        resume: str | None,
        no_save_checkpoint: bool,
        no_wandb: bool,
        tags: str | None,
        visualize: bool,
        chosen_plots: tuple[str, ...],
        outputs: Path | None,
        dry_run: bool,
        overfit_batches: int | None,
        find_lr: bool,
        profile: int | None,
        serve: bool,
        debug: bool,
        overrides: tuple[str, ...],
    ) -> None:
        if serve:
            from experiment.reproduce.server import Server

            return Server(chapter, model_config, main).serve()

        from engine.tracking.limits import check_limits
        from experiment.compose import quote
        from experiment.resume import AUTO, is_finished, start_of

        changes = [*overrides]
        if epochs is not None:
            changes.append(f"trainer.duration={quote(f'{epochs} epochs')}")
        if seed is not None:
            changes.append(f"seed={seed}")
        if overfit_batches is not None:
            changes.append(f"trainer.overfit_batches={overfit_batches}")
        several = seeds_of(seeds) if seeds is not None else []
        instead = _instead_of_training({"dry-run": dry_run, "find-lr": find_lr, "profile": profile}, resume)
        if seeds is not None:
            refuse_beside_seeds({"seed": seed is not None, "resume": resume is not None, instead or "": instead})
            if world_size() > 1:
                raise InputError("--seeds trains all of them in one process: start train.py without torchrun")
        if instead is not None:
            changes.append("tracking.tensorboard=false")
        if no_wandb or instead is not None:
            changes.append("tracking.wandb.enabled=false")
        if tags is not None:
            changes.append(f"tags=[{','.join(quote(tag.strip()) for tag in tags.split(',') if tag.strip())}]")
        outputs = outputs or chapter / "outputs"
        if resume not in (None, AUTO) and (load_checkpoint or config_file):
            raise InputError(
                "--resume goes on with a run's own config and weights; leave out --load-checkpoint and --config"
            )
        changes_of = [[*changes, f"seed={each}"] for each in several] or [changes]
        (run_id, config), *others = [
            _config(chapter, outputs, experiment, config_file, resume, each, model_config) for each in changes_of
        ]
        if run_id and is_finished(outputs, run_id):
            click.echo(f"run {run_id} has finished; --load-checkpoint {run_id} starts a new run from it", err=True)
            return
        if not run_id:
            for each in (config, *(c for _, c in others)):
                check_limits(each)
        started_from = start_of(outputs, run_id) if run_id else load_checkpoint
        names = _plots_to_draw(plots, config.experiment, visualize or dry_run, chosen_plots)
        _log_to_console()

        with _loading():
            import engine.trainer  # noqa: F401  # here, so that it is loaded once and cheaply
            from engine.device.world import join
            from engine.runs.run import Options, Run

            task = task_of(instead, profile)
        options = Options(started_from, not no_save_checkpoint, bool(run_id), names)
        with join(config.hardware) as world, _in_one_line(dry_run):
            if seeds is None:
                begun_with = started_from if run_id else None
                return task(main(Run(chapter, config, outputs, options, run_id, begun_with, world)))
            from engine.fast.ensemble import train_together

            configs = [config, *(other for _, other in others)]
            train_together(main(Run(chapter, each, outputs, options)) for each in configs)

    run_command(train, explain=not_written_yet)


def evaluate_command(
    script: str, model_config: "type[Strict]", plots: Plots, main: "Callable[[CheckpointEvaluation], None]"
) -> None:
    """Read the command line of an `evaluate.py`, then call `main` with the evaluation that it asks for.

    Args:
        script: The script's `__file__`.
        model_config: The schema of the chapter's `model` section.
        plots: Experiment name to the plots that `--visualize` draws.
        main: Builds data and model and evaluates.
    """
    chapter = Path(script).resolve().parents[1]

    @click.command(help=f"Evaluate a checkpoint of chapter {chapter.name}. KEY=VALUE overrides a setting of the data.")
    @click.option("--checkpoint", required=True, metavar="REF", help="A file, a run id, 'latest', or a wandb artifact.")
    @click.option("--experiment", required=True, metavar="NAME", help=f"Picks the data: one of {_names(chapter)}.")
    @click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
    @_shared_options
    def evaluate(
        checkpoint: str,
        experiment: str,
        split: str,
        visualize: bool,
        chosen_plots: tuple[str, ...],
        outputs: Path | None,
        debug: bool,
        overrides: tuple[str, ...],
    ) -> None:
        from experiment.compose import compose_experiment, refuse_all_but

        config: ExperimentConfig[Any] = compose_experiment(chapter, experiment, overrides, model_config)
        refuse_all_but(_EVALUATION_USES, overrides, "a checkpoint has its own model, and an evaluation does not train")
        names = _plots_to_draw(plots, experiment, visualize, chosen_plots)
        _log_to_console()

        with _loading():
            from engine.evaluation.checkpoint import CheckpointEvaluation

        main(CheckpointEvaluation.of(chapter, config, outputs or chapter / "outputs", checkpoint, split, names))

    run_command(evaluate, explain=not_written_yet)


def _in_one_line(dry_run: bool) -> AbstractContextManager[None]:
    """For a dry run, what a phase of it is for its errors: around all that comes before the first phase."""
    if not dry_run:
        return nullcontext()
    from engine.debug.dry_run import phase

    return phase("setting up")


def _instead_of_training(asked: Mapping[str, object], resume: str | None) -> str | None:
    """Which of the flags that put something in the place of a training was given; None for an ordinary training."""
    given = [name for name, value in asked.items() if value]
    if len(given) > 1 or (given and resume is not None):
        others = [f"--{name}" for name in given] + (["--resume"] if resume is not None else [])
        raise InputError(f"{' and '.join(others)} do not go together: give one of them")
    if given and world_size() > 1:
        raise InputError(f"--{given[0]} is for one process: start the script without torchrun")
    return given[0] if given else None


def _config(
    chapter: Path,
    outputs: Path,
    experiment: str | None,
    config_file: Path | None,
    resume: str | None,
    changes: Sequence[str],
    model_config: "type[Strict]",
) -> "tuple[str, ExperimentConfig[Any]]":
    """The run id to go on with ("" for a new run) and its config."""
    from experiment.compose import compose_experiment, read_config
    from experiment.resume import AUTO, config_to_resume, run_of

    if resume == AUTO:
        _, config = _config(chapter, outputs, experiment, config_file, None, changes, model_config)
        return run_of(chapter, outputs, config, model_config), config
    if resume is not None:
        return config_to_resume(chapter, outputs, resume, experiment, changes, model_config)
    if config_file is not None:
        config = read_config(config_file, changes, model_config, chapter)
        if experiment not in (None, config.experiment):
            raise InputError(f"{config_file} is of experiment {config.experiment}, not {experiment}")
        return "", config
    if experiment is None:
        raise InputError(f"name an experiment: --experiment {{{_names(chapter)}}}")
    return "", compose_experiment(chapter, experiment, changes, model_config)


def _plots_to_draw(plots: Plots, experiment: str, visualize: bool, chosen: tuple[str, ...]) -> tuple[str, ...]:
    from plotting import check_name

    names = chosen or (plots.get(experiment, ()) if visualize else ())
    for name in names:
        check_name(name)
    return names


@contextmanager
def _loading() -> Iterator[None]:
    """For heavy imports: the collector would go through all that they make, again and again, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _names(chapter: Path) -> str:
    from experiment.compose import experiment_names

    return ", ".join(experiment_names(chapter))


def _log_to_console() -> None:
    """The narrative goes to stderr, plain; results go to stdout. Of several ranks rank 0 tells the story."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.INFO if is_main() else logging.ERROR)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for package in ("engine", "data_utils", "utils"):
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
