"""Every setting of a run, typed and frozen; the values come from YAML, never from here.

This module stays free of torch, so that a mistake in a config is answered before torch is loaded.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from data_utils.config import DataConfig
from data_utils.sections import Fraction, Seed
from engine.claims.claim import Claim
from engine.claims.notes import Notes, Successor, spelled_out
from engine.duration import Duration
from utils.schema import Count, Strict

Positive = Annotated[float, Field(gt=0)]

MOST_THREADS = 1024
"""More than this takes down a machine that has not as many cores, without a word."""


class Monitor(Strict):
    """The metric that decides which checkpoint is the best."""

    metric: str
    """A name in `metrics.jsonl`, such as `validation/accuracy`."""
    mode: Literal["min", "max"]


class EarlyStopping(Strict):
    """Stop when the monitored metric has not improved for a while."""

    patience: Count
    """Evaluations without improvement before the run stops."""
    min_delta: float = Field(ge=0)
    """What counts as an improvement."""


class CheckpointConfig(Strict):
    """When `model_last.pt` is written, besides at the end and on a signal."""

    every: Duration | None
    minutes: Positive | None
    """After this much wall-clock time: what a crash can cost at most."""


class TrainerConfig(Strict):
    """How long to train and when to look."""

    duration: Duration
    batch_size: Count
    """Examples in one forward pass, of all processes together."""
    accumulate: Count
    """Forward passes in one step."""
    clip_norm: Positive | None
    """Largest norm of the gradient; null leaves it alone."""
    overfit_batches: Count | None
    """Train and evaluate on the examples of the first so many batches only, to see whether the model can learn them."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None
    """Decay per step of the moving average of the weights that is evaluated and saved beside them; null: none."""
    log_every: Duration
    """Length of a logging window; never longer than an epoch."""
    evaluate_every: Duration
    evaluate_on: tuple[Literal["train", "validation"], ...]
    metrics: tuple[str, ...]
    """Evaluated on top of the loss: accuracy, error, or the snake_case name of a torchmetrics class."""
    monitor: Monitor | None
    early_stopping: EarlyStopping | None
    checkpoint: CheckpointConfig
    workers: int = Field(ge=0, le=MOST_THREADS)
    """DataLoader processes for data that is not in memory."""
    compile: Literal["none", "steps", "model"]
    """What torch.compile is asked for: nothing, several steps in one graph, or the model's steps."""

    @model_validator(mode="after")
    def _stopping_needs_a_monitor(self) -> "TrainerConfig":
        if self.early_stopping is not None and self.monitor is None:
            raise ValueError("early_stopping needs a monitor to watch")
        return self


class Sgd(Strict):
    """Stochastic gradient descent, with or without momentum."""

    name: Literal["sgd"]
    lr: Positive
    momentum: Fraction
    nesterov: bool
    weight_decay: float = Field(ge=0)


class Adam(Strict):
    """Adam (Kingma & Ba 2015), or AdamW, whose weight decay is apart from the gradient."""

    name: Literal["adam", "adamw"]
    lr: Positive
    betas: tuple[Fraction, Fraction]
    eps: Positive
    weight_decay: float = Field(ge=0)


OptimizerConfig = Annotated[Sgd | Adam, Field(discriminator="name")]


class Constant(Strict):
    """The full rate throughout, after the warm-up."""

    name: Literal["constant"]
    warmup: Duration | None


class Linear(Strict):
    """From the full rate to `final` times it over the whole run."""

    name: Literal["linear", "cosine"]
    warmup: Duration | None
    final: float = Field(ge=0, le=1)


class StepDecay(Strict):
    """Multiply by `factor` after every `every`."""

    name: Literal["step"]
    warmup: Duration | None
    every: Duration
    factor: float = Field(gt=0, le=1)


SchedulerConfig = Annotated[Constant | Linear | StepDecay, Field(discriminator="name")]


class WandbConfig(Strict):
    """Weights & Biases."""

    enabled: bool
    project: str
    entity: str | None


class MlflowConfig(Strict):
    """MLflow."""

    enabled: bool
    uri: str | None
    """A server; null is a database in the outputs folder."""


class TrackingConfig(Strict):
    """Where values go besides `metrics.jsonl`, which is always written."""

    wandb: WandbConfig
    mlflow: MlflowConfig
    tensorboard: bool


class HardwareConfig(Strict):
    """Where to compute, and how exactly."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    strategy: Literal["none", "ddp", "fsdp"]
    """How the processes that torchrun starts share a training: ddp copies the model to each, fsdp splits it."""
    precision: Literal["fp32", "bf16", "fp16"]
    threads: int | None = Field(ge=1, le=MOST_THREADS)
    """CPU threads; null leaves torch's choice (OMP_NUM_THREADS)."""
    peak_flops: Positive | None
    """Operations per second that the device can do at most in that precision; null takes what is known of the GPU."""


ModelConfig = TypeVar("ModelConfig", bound=Strict)


class ExperimentConfig(Strict, Generic[ModelConfig]):
    """The whole config of one run: what `config.yaml` beside a checkpoint holds."""

    experiment: str
    goal: str = Field(min_length=10)
    """What the experiment shows, in a sentence."""
    seeds: tuple[Seed, ...] = Field(min_length=1)
    """The seeds on which the claims are checked."""
    claims: tuple[Claim, ...]
    successor: Annotated[Successor | None, BeforeValidator(spelled_out)]
    """What passes on the same data where this one fails; in YAML a section, or `chapter/experiment` alone."""
    notes: Notes | None = None
    seed: Seed
    tags: tuple[str, ...]
    model: ModelConfig
    data: DataConfig
    trainer: TrainerConfig
    optimizer: OptimizerConfig | None
    """The optimizer of all parameters; null for a model that learns without one."""
    optimizers: dict[str, OptimizerConfig]
    """One for each named submodule instead, for a model that updates itself with several."""
    scheduler: SchedulerConfig
    tracking: TrackingConfig
    hardware: HardwareConfig

    @model_validator(mode="after")
    def _one_kind_of_optimizer(self) -> "ExperimentConfig[ModelConfig]":
        if self.optimizer is not None and self.optimizers:
            raise ValueError("give either optimizer or optimizers, not both")
        return self
