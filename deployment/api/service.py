"""The state of the server: the model that answers, and whether it is there for new requests."""

from deployment.api.metrics import Metrics
from deployment.api.model.served import Model
from deployment.api.pool import WatchedPool
from deployment.api.schemas import Schemas
from deployment.api.settings import Settings
from inference.predictor import Predictor
from utils.errors import InputError


class Service:
    """What all requests share.

    Args:
        settings: Of the server.
        predictor: The model that answers first.
        version: Its version in the registry.
        alias: What chose the version.
    """

    def __init__(
        self, settings: Settings, predictor: Predictor, version: str | None = None, alias: str | None = None
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.draining = False
        """Whether the server stops: it answers, but wants no new clients."""
        self.decoders = WatchedPool(2, "decode")
        self._worker = WatchedPool(1, "forward")
        self._alias = alias
        self.schemas = Schemas(predictor.data, predictor.chapter.serving.Answer, settings.limits)
        self.pictures = predictor.data.kind == "image"
        self._signature = predictor.signature
        self.use(self.prepare(predictor, version))
        self.metrics.waiting.set_function(lambda: self.model.batcher.waiting)

    @property
    def stuck(self) -> bool:
        """Whether pictures or forward passes have not come to an end for too long."""
        return max(self.decoders.oldest(), self._worker.oldest()) > self.settings.limits.stuck_seconds

    def prepare(self, predictor: Predictor, version: str | None) -> Model:
        """A model that is warmed up and can take the place of the one that answers; may run on another thread.

        Raises:
            InputError: It takes or gives something else than the first.
        """
        if predictor.signature != self._signature:
            raise InputError(f"version {version} takes or gives something else; start a server of its own for it")
        return Model(predictor, version, self._alias, self.settings, self._worker, self.metrics)

    def use(self, model: Model) -> None:
        """Let `model` answer from now on; requests that another has taken are answered by it."""
        self.model = model
        served = model.served
        self.metrics.model.info({"chapter": served.name, "version": served.version, "run": served.run_id})
