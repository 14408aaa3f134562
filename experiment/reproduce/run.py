"""What `scratch reproduce` does, from the plans to the documents."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from experiment.compose import experiment_names
from experiment.reproduce.documents import all_results, write_documents
from experiment.reproduce.plan import Plan
from experiment.reproduce.results import BANDS, RESULTS, conclude, failures, read, write, written
from experiment.reproduce.scheduler import Session
from experiment.reproduce.successors import links
from project.chapters import Chapter, Project
from utils.terminal.processes import Children
from utils.terminal.table import table


def reproduce(
    project: Project,
    chapters: Sequence[Chapter],
    experiments: tuple[str, ...],
    seeds: tuple[int, ...],
    jobs: int,
    force: bool,
) -> int:
    """Train what is not as it was, check every claim, write the results; returns the exit code.

    `experiments` are those to look at, if not all. With `seeds` other than those of the files nothing is written,
    because the results are of those.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    problems: list[str] = []
    with Children() as children:
        session = Session(project, children, lambda line: print(line, file=sys.stderr, flush=True))
        for chapter in chapters:
            plans = session.plans(chapter, experiments, seeds)
            known = read(chapter.folder / RESULTS)
            changed = [
                plan for plan in plans if force or _digest(session, plan) != known.get(plan.name, {}).get("digest")
            ]
            for plan in plans:
                if plan not in changed:
                    entries[plan.title] = known[plan.name]
                    session.say(f"{plan.title}: unchanged since {known[plan.name]['date']}")
            runs = [run for plan in changed for run in plan.all_runs()]
            session.train([run for run in runs if force or session.finished(run) is None], jobs)
            new, bands = {}, {}
            for plan in changed:
                if reason := _failed(session, plan):
                    problems.append(f"{plan.title}: {reason}")
                    continue
                new[plan.name], bands[plan.name] = _concluded(session, plan)
                entries[plan.title] = new[plan.name]
            if new and all(plan.seeds == tuple(plan.config["seeds"]) for plan in changed):
                names = experiment_names(chapter.folder)
                for file, content in ((RESULTS, new), (BANDS, bands)):
                    former = {name: each for name, each in read(chapter.folder / file).items() if name in names}
                    write(chapter.folder / file, former | content)
    print(_table(entries))
    for path in write_documents(project):
        print(f"wrote {path.relative_to(project.root)}", file=sys.stderr)
    problems += [line for title, entry in entries.items() for line in failures(title, entry)]
    claims = [claim for entry in entries.values() for claim in entry["claims"]]
    print(f"\n{sum(claim['holds'] for claim in claims)} of {len(claims)} claims hold")
    for line in problems:
        print(f"FAILS  {line}")
    return 1 if problems else 0


def check_links(project: Project) -> int:
    """Print every successor link and whether the results bear it out; returns the exit code."""
    found = links(all_results(project))
    print(table(("fails here", "passes there", "link", "why"), [(x.here, x.there, x.state, x.why) for x in found]))
    return 1 if any(link.state == "fails" for link in found) else 0


def _digest(session: Session, plan: Plan) -> str:
    return plan.digest(session.digests)


def _failed(session: Session, plan: Plan) -> str | None:
    """Why one of the runs that the plan needs could not be trained."""
    for run in plan.all_runs():
        if session.digests[run] in session.failed:
            return f"{run} failed: {session.failed[session.digests[run]]}"
    return None


def _concluded(session: Session, plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    finished = {run: found for run in plan.all_runs() if (found := session.finished(run)) is not None}
    entry, bands = conclude(plan, _digest(session, plan), finished, session.versions[plan.chapter])
    return entry, {metric: written(band) for metric, band in bands.items()}


def _table(entries: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (title, claim["says"], claim["measured"], claim["limit"], "yes" if claim["holds"] else "NO")
        for title, entry in entries.items()
        for claim in entry["claims"]
    ]
    return table(("experiment", "claim", "measured", "limit", "holds"), rows)
