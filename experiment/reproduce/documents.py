"""What the documents say of the results: generated text between markers, from `results.json` and the YAML files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiment.reproduce.headers import headers
from experiment.reproduce.listings import chapter_table, roadmap
from experiment.reproduce.results import RESULTS, read
from experiment.reproduce.successors import Link, links
from project.chapters import Chapter, Experiment, Project
from utils.errors import InputError
from utils.files import write_atomic


def documents(project: Project) -> dict[Path, str]:
    """Every document with generated parts, as it should be.

    Raises:
        InputError: One lacks its markers.
    """
    results = all_results(project)
    root = project.root
    overview = _filled(root / "README.md", "results", _overview(project, results))
    overview = _replaced(overview, "chapters", chapter_table(project), root / "README.md")
    found = {
        root / "README.md": _replaced(overview, "map", _map(project, links(results)), root / "README.md"),
        root / "ROADMAP.md": roadmap(project),
        root / "EXPERIMENTS.md": _filled(root / "EXPERIMENTS.md", "results", _entries(project, results)),
    }
    for chapter in project.chapters():
        if chapter.name in results:
            readme = chapter.folder / "README.md"
            found[readme] = _filled(readme, "results", _chapter_table(results[chapter.name]))
    return found


def write_documents(project: Project) -> list[Path]:
    """Bring the documents and the first lines of experiments up to date; returns the files that changed."""
    changed = []
    for path, text in (documents(project) | headers(project, all_results(project))).items():
        if text != path.read_text(encoding="utf-8"):
            write_atomic(path, text)
            changed.append(path)
    return changed


def all_results(project: Project) -> dict[str, dict[str, Any]]:
    """Chapter to the content of its `results.json`, of the chapters that have one."""
    found = {chapter.name: read(chapter.folder / RESULTS) for chapter in project.chapters()}
    return {name: content for name, content in found.items() if content}


def _filled(path: Path, name: str, text: str) -> str:
    try:
        return _replaced(path.read_text(encoding="utf-8"), name, text, path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _replaced(document: str, name: str, text: str, path: Path) -> str:
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if document.count(start) != 1 or document.count(end) != 1:
        raise InputError(f"{path} needs the lines {start} and {end}, once each; the results are written between them")
    before, _, rest = document.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{text.strip()}\n\n{end}{after}"


def _chapter_table(entries: Mapping[str, Any]) -> str:
    """Every claim of a chapter with what was measured, and what it was measured with."""
    rows = [
        f"| `{name}` | {_prose(claim['says'])} | {claim['kind']} | {_measured(claim)} |"
        for name, entry in sorted(entries.items())
        for claim in entry["claims"]
    ]
    seconds = sum(entry["seconds"] for entry in entries.values())
    made = sorted({_made_with(entry) for entry in entries.values()})
    first, *others = sorted({_seeds(entry) for entry in entries.values()})
    seeds = " and ".join([first, *(other.partition(" ")[2] for other in others)])
    return "\n".join(
        [
            "| experiment | claim about | kind | measured | limit | holds |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Measured is the value nearest to the limit. {seeds}, one thread, {'; '.join(made)};",
            f"{seconds:.0f} s of training in all. Written by `scratch reproduce` from [results.json](results.json).",
        ]
    )


def _overview(project: Project, results: Mapping[str, Any]) -> str:
    """One row for each experiment: what it came to, and how many of its claims hold."""
    rows = []
    for chapter in project.chapters():
        for number, (name, entry) in enumerate(sorted(results.get(chapter.name, {}).items())):
            held = sum(claim["holds"] for claim in entry["claims"])
            link = "" if number else f"[{chapter.name}](models/{chapter.name}/README.md)"
            rows.append(f"| {link} | `{name}` | {_key_figure(entry)} | {held} of {len(entry['claims'])} |")
    head = ["| chapter | experiment | mean over the seeds, last epoch | claims that hold |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _key_figure(entry: Mapping[str, Any]) -> str:
    """The most telling figure: accuracy on what was held out, else what the first claim is about."""
    for name in ("test/accuracy", "validation/accuracy", "train/accuracy", *entry["metrics"], "train/loss"):
        if name in entry["figures"]:
            return f"{name} {_figure(entry['figures'][name])}"
    return "-"


def _entries(project: Project, results: Mapping[str, Any]) -> str:
    """EXPERIMENTS.md: an entry for each experiment."""
    parts = []
    for chapter in project.chapters():
        parts.append(f"## {chapter.name.split('_')[0]} {chapter.constants().get('TITLE', chapter.name)}")
        for experiment in chapter.experiments():
            entry = results.get(chapter.name, {}).get(experiment.name)
            parts.append("\n".join(_entry(chapter, experiment, entry)))
    return "\n\n".join(parts)


def _entry(chapter: Chapter, experiment: Experiment, entry: Mapping[str, Any] | None) -> Iterator[str]:
    notes = experiment.content.get("notes") or {}
    file = f"models/{chapter.name}/config/experiment/{experiment.name}.yaml"
    yield f"### {chapter.name}/{experiment.name}\n"
    yield f"- **Date:** {entry['date'] if entry else 'not run yet'}"
    yield f"- **Goal:** {experiment.goal}"
    yield f"- **Config:** [{experiment.name}.yaml]({file})"
    yield f"- **Changes:** {_one_line(notes.get('changes'))}"
    if entry is None:
        yield f"- **Results:** none yet; `scratch reproduce {chapter.name.split('_')[0]}` writes them"
    else:
        yield f"- **Results:** {_seeds(entry)}, {_made_with(entry)}, {entry['seconds']:.0f} s.\n"
        yield "  | claim about | measured | limit | holds |\n  |---|---|---|---|"
        for claim in entry["claims"]:
            yield f"  | {_prose(claim['says'])} | {_measured(claim)} |"
        yield f"\n  Last epoch, mean (standard deviation) over the seeds: {_figures(entry['figures'])}."
        yield from _variants(entry)
        yield ""
    yield f"- **Observations:** {_one_line(notes.get('observations'))}"
    yield f"- **Next step:** {_one_line(notes.get('next'))}"


def _variants(entry: Mapping[str, Any]) -> Iterator[str]:
    """The metrics of the claims for each value of the settings that they go through."""
    variants = entry.get("variants", {})
    if variants:
        names = [name for name in entry["metrics"] if all(name in figures for figures in variants.values())]
        yield f"\n  | with | {' | '.join(f'`{name}`' for name in names)} |\n  |---|{'---|' * len(names)}"
        for label, figures in variants.items():
            yield f"  | `{label}` | {' | '.join(_figure(figures[name]) for name in names)} |"


def _map(project: Project, arrows: list[Link]) -> str:
    """The chapters and the links between them, as a Mermaid diagram; dashed is what has yet to come."""
    titles = {chapter.name: str(chapter.constants().get("TITLE", chapter.name)) for chapter in project.chapters()}
    names = sorted({*titles, *(arrow.there.split("/")[0] for arrow in arrows)})
    nodes = [
        f'  c{name.split("_")[0]}["{name.split("_")[0]} {titles.get(name, name.split("_", 1)[1])}"]' for name in names
    ]
    drawn: dict[tuple[str, str, str], list[str]] = {}
    for arrow in arrows:
        start, end = (f"c{name.split('_')[0]}" for name in (arrow.here, arrow.there))
        drawn.setdefault((start, end, arrow.state), []).append(arrow.here.split("/")[1])
    styles = {"holds": "-->", "later": "-.->", "fails": "--x"}
    lines = [f'  {a} {styles[state]}|"{", ".join(what)}"| {b}' for (a, b, state), what in sorted(drawn.items())]
    return "\n".join(["```mermaid", "graph LR", *nodes, *lines, "```"])


def _figures(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` {_figure(figure)}" for name, figure in figures.items()) or "none recorded"


def _figure(figure: Mapping[str, Any]) -> str:
    spread = f" ({figure['sd']:.2g})" if figure["sd"] else ""
    return f"{figure['mean']:.4g}{spread}"


def _made_with(entry: Mapping[str, Any]) -> str:
    return f"torch {entry['versions']['torch']}, numpy {entry['versions']['numpy']}"


def _seeds(entry: Mapping[str, Any]) -> str:
    seeds = entry["seeds"]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"Seeds {seeds[0]} to {seeds[-1]}"
    return f"Seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _prose(says: str) -> str:
    """The metric as code, the rest as it is."""
    return re.sub(r"^[\w/]+", lambda match: f"`{match[0]}`", says)


def _measured(claim: Mapping[str, Any]) -> str:
    """Three cells: the value, its limit, and whether it holds."""
    return f"{claim['measured']} | {claim['limit']} | {'yes' if claim['holds'] else '**no**'}"


def _one_line(text: str | None) -> str:
    return " ".join(text.split()) if text else "not written yet"
