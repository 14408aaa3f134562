"""The page of all runs: what there is, learning curves over one another, metrics side by side, pictures, claims."""

from pathlib import Path
from typing import Any

import gradio as gr

import plotting
from deployment.interface.figures import picture, shown
from deployment.interface.run_index import COLUMNS, Catalogue, Entry, chosen_by
from project.chapters import Project

_LISTED = 200
_COMPARED = 8
_FIRST = ("validation/accuracy", "train/accuracy", "validation/loss", "train/loss", "batch/loss")
_SORTED = {"newest first": None, "best metric, high first": True, "best metric, low first": False}


def runs_page(project: Project, outputs: Path | None) -> gr.Blocks:
    """The page of the runs under `outputs`, or of all chapters."""
    chapters = project.chapters()
    own = [(chapter.name, chapter.folder / "outputs") for chapter in chapters]
    catalogue = Catalogue([("", outputs)] if outputs else own)
    page = _Page(catalogue)
    with gr.Blocks(title="Runs", fill_width=True) as blocks:
        gr.Markdown(
            "# Runs\n\nEvery run that is in the outputs of the chapters. Click on a row to choose its run, and again "
            "to leave it out; up to eight are compared. `./scratch ui NN --checkpoint RUN` opens the page of its model."
        )
        with gr.Row():
            words = gr.Textbox(label="Words in the name", placeholder="xor", scale=2, min_width=160, elem_id="words")
            chapter = gr.Dropdown([("all", "")], value="", label="Chapter", min_width=140)
            status = gr.Dropdown([("all", "")], value="", label="Status", min_width=140)
            order = gr.Dropdown(list(_SORTED), value=next(iter(_SORTED)), label="Order", min_width=160)
            again = gr.Button("Look again", min_width=120)
        count = gr.Markdown(elem_id="count")
        table = gr.Dataframe(
            headers=list(COLUMNS), interactive=False, max_height=360, elem_id="runs", show_label=False, buttons=[]
        )
        chosen = gr.Dropdown(
            [], value=[], multiselect=True, max_choices=_COMPARED, label="Chosen runs", elem_id="chosen"
        )
        with gr.Tabs():
            with gr.Tab("Curves"):
                metric = gr.Dropdown([], label="Metric", elem_id="metric")
                log = gr.Checkbox(False, label="Logarithmic")
                curves = shown("The metric of the chosen runs over their epochs", "curves", wide=True)
            with gr.Tab("Metrics"):
                side = gr.Dataframe(interactive=False, elem_id="side", show_label=False, buttons=[])
            with gr.Tab("Pictures"):
                pictures = gr.Gallery(
                    columns=2,
                    object_fit="contain",
                    show_label=False,
                    buttons=[],
                    elem_id="pictures",
                    interactive=False,
                )
            with gr.Tab("Claims"):
                claims = gr.Markdown(elem_id="claims")
        filters = [words, chapter, status, order]
        details = [metric, curves, side, pictures, claims]
        listing = [count, table, chapter, status]
        blocks.load(page.listed, filters, listing)
        gr.on([again.click, words.change, chapter.input, status.input, order.input], page.listed, filters, listing)
        table.select(page.clicked, chosen, chosen)
        gr.on([chosen.change], page.details, [chosen, metric, log], details)
        gr.on([metric.input, log.change], page.curves, [chosen, metric, log], curves)
    return blocks


class _Page:
    """What the page shows, computed from the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def listed(self, words: str, chapter: str, status: str, order: str) -> list[Any]:
        """The table, and what the filters offer."""
        entries = self.catalogue.entries()
        found = chosen_by(entries, words, chapter, status)
        high_first = _SORTED[order]
        if high_first is not None:
            measured = [entry for entry in found if entry.best[1] is not None]
            found = sorted(measured, key=lambda entry: entry.best[1] or 0.0, reverse=high_first)
        rows = [entry.row() for entry in found[:_LISTED]]
        return [
            _counted(len(entries), len(found)),
            gr.Dataframe(value=rows, headers=list(COLUMNS)),
            gr.Dropdown([("all", ""), *sorted({entry.chapter for entry in entries} - {""})]),
            gr.Dropdown([("all", ""), *sorted({entry.status for entry in entries})]),
        ]

    def clicked(self, chosen: list[str], event: gr.SelectData) -> Any:
        """Choose a run, or leave it out."""
        run = str(event.row_value[0])
        others = [name for name in chosen if name != run]
        value = others if run in chosen else [*others, run][-_COMPARED:]
        return gr.Dropdown(choices=value, value=value, multiselect=True)

    def details(self, chosen: list[str], metric: str | None, log: bool) -> list[Any]:
        """Everything about the chosen runs."""
        entries = self._chosen(chosen)
        metrics = sorted({name for entry in entries for row in entry.history() for name in row if "/" in name})
        if metric not in metrics:
            metric = next((name for name in _FIRST if name in metrics), metrics[0] if metrics else None)
        return [
            gr.Dropdown(metrics, value=metric),
            self.curves(chosen, metric, log),
            _side_by_side(entries),
            [(str(path), f"{path.stem}, {entry.run_id}") for entry in entries for path in entry.pictures()],
            "\n\n".join(f"#### {entry.run_id}\n\n" + ("\n".join(entry.claims()) or "No claims.") for entry in entries),
        ]

    def curves(self, chosen: list[str], metric: str | None, log: bool) -> Any:
        """One metric of the chosen runs."""
        if not chosen or metric is None:
            return None
        histories = {entry.run_id: entry.history() for entry in self._chosen(chosen)}
        return picture(plotting.render("runs_overlaid", {"subject": metric, "histories": histories, "log_scale": log}))

    def _chosen(self, chosen: list[str]) -> list[Entry]:
        known = {entry.run_id: entry for entry in self.catalogue.entries()}
        return [known[name] for name in chosen if name in known]


def _counted(there: int, found: int) -> str:
    if not there:
        return "There is no run yet. `./scratch demo` makes two; `./scratch train NN --experiment NAME` makes another."
    shown = f"; the first {_LISTED} are listed, so narrow the choice" if found > _LISTED else ""
    return f"{found:,} of {there:,} runs{shown}."


def _side_by_side(entries: list[Entry]) -> Any:
    """The last value of each metric, one column a run."""
    last = [entry.last() for entry in entries]
    names = sorted({name for values in last for name in values})
    rows = [[name, *(_short(values.get(name)) for values in last)] for name in names]
    return gr.Dataframe(value=rows, headers=["metric", *(entry.run_id for entry in entries)])


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value
