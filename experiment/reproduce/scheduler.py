"""A call of `scratch reproduce`: plans, digests and trainings of several chapters, in their own environments."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from experiment.reproduce.client import Client
from experiment.reproduce.plan import Plan, Wanted
from experiment.reproduce.results import Finished
from project.chapters import Chapter, Project
from utils.errors import ScratchError
from utils.terminal.processes import Children


class Session:
    """Knows the chapters that were asked for, and starts their processes.

    Args:
        project: The clone.
        children: Ends what is started here with the command.
        say: Shows a line of progress.
        made_with: The versions that digests are of, as `inputs.versions` has them; those of the environments if None.
    """

    def __init__(
        self,
        project: Project,
        children: Children,
        say: Callable[[str], None],
        made_with: Mapping[str, str] | None = None,
    ) -> None:
        self.project, self.children, self.say, self._made_with = project, children, say, made_with
        self.versions: dict[str, dict[str, str]] = {}
        self.digests: dict[Wanted, str] = {}
        self.failed: dict[str, str] = {}
        """Digest to why, of the runs that could not be trained."""

    def plans(self, chapter: Chapter, experiments: Sequence[str], seeds: tuple[int, ...]) -> list[Plan]:
        """One for each of `experiments`, or for all of `chapter`; their digests are known then.

        `seeds` are those to run on; where there are none, those of each experiment's file.
        """
        with closing(self._client(chapter)) as client:
            answer = client.ask(ask="experiments", experiments=experiments)
            self.versions[chapter.name] = answer["versions"]
            plans = [
                Plan(chapter.name, name, config, seeds or tuple(config["seeds"]))
                for name, config in answer["configs"].items()
            ]
            runs = [run for plan in plans for run in plan.all_runs()]
            self._learn_digests(client, [run for run in runs if run.chapter == chapter.name])
        for other in sorted({run.chapter for run in runs} - {chapter.name}):
            with closing(self._client(self.project.chapter(other))) as client:
                self._learn_digests(client, [run for run in runs if run.chapter == other])
        return plans

    def finished(self, run: Wanted) -> Finished | None:
        """What was trained before; None where it was not."""
        return Finished.find(self.project.chapter(run.chapter).folder / "outputs", self.digests[run])

    def train(self, runs: Iterable[Wanted], jobs: int) -> None:
        """Train `runs`, `jobs` at a time; those that fail are in `failed` afterwards."""
        by_digest = {self.digests[run]: run for run in runs}  # the same settings may be reached in two ways
        left = deque(sorted(by_digest.values(), key=lambda run: run.chapter))
        total, done = len(left), threading.Lock()
        counted = 0

        def work() -> None:
            nonlocal counted
            client: Client | None = None
            try:
                while True:
                    try:
                        run = left.popleft()
                    except IndexError:
                        return
                    client, said = self._train_one(client, run)
                    with done:
                        counted += 1
                        self.say(f"[{counted}/{total}] {run}: {said}")
            finally:
                if client is not None:
                    client.close()

        with ThreadPoolExecutor(max(1, min(jobs, total))) as pool:
            futures = [pool.submit(work) for _ in range(min(jobs, total))]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                left.clear()
                self.children.stop()
                raise

    def _train_one(self, client: Client | None, run: Wanted) -> tuple[Client | None, str]:
        """Train `run` with `client`, or with a new one where that is of another chapter; what came of it in words."""
        try:
            if client is None or client.chapter.name != run.chapter:
                if client is not None:
                    client.close()
                client = self._client(self.project.chapter(run.chapter))
            answer = client.ask(ask="train", run=run.asked(), digest=self.digests[run])
        except ScratchError as error:
            self.failed[self.digests[run]] = str(error)
            if client is not None and client.has_ended:
                client.close()
                client = None
            return client, f"failed: {error}"
        return client, f"{answer['seconds']:.1f} s"

    def _client(self, chapter: Chapter) -> Client:
        venv = self.project.venv(chapter)
        venv.ensure("base")
        return Client(self.children, venv.python, chapter.folder)

    def _learn_digests(self, client: Client, runs: Sequence[Wanted]) -> None:
        asked = [run.asked() for run in runs]
        digests = client.ask(ask="digests", runs=asked, versions=self._made_with)["digests"]
        self.digests |= dict(zip(runs, digests, strict=True))
