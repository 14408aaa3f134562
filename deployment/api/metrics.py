"""What the server counts, in the form that Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_EXAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter("scratch_requests", "Requests answered", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "scratch_request_seconds", "From headers to answer", ["route"], buckets=_SECONDS, registry=registry
        )
        self.in_progress = Gauge("scratch_requests_in_progress", "Requests being worked on", registry=registry)
        self.batch = Histogram(
            "scratch_batch_examples", "Examples in one forward pass", buckets=_EXAMPLES, registry=registry
        )
        self.waiting = Gauge("scratch_waiting_examples", "Examples that wait for the model", registry=registry)
        self.reloads = Counter("scratch_reloads", "Changes of the model", ["outcome"], registry=registry)
        for outcome in ("done", "failed"):  # from the start, or a rate misses the first
            self.reloads.labels(outcome)
        self.model = Info("scratch_model", "The model that answers", registry=registry)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        if (route, status) not in self._children:  # looking one up by its labels costs more than counting
            counts = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._children[route, status] = counts
        number, duration = self._children[route, status]
        number.inc()
        duration.observe(seconds)

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self._registry)
