"""The work of `scratch compare`, in the chapter's environment: `python -m cli.compare_tool CHAPTER OUTPUTS RUN_ID`."""

from pathlib import Path

import click

from utils.errors import InputError
from utils.terminal.run import run_command


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.argument("outputs", type=click.Path(path_type=Path))
@click.argument("run_id")
def compare(chapter: Path, outputs: Path, run_id: str) -> int:
    """Say where the run leaves the bands of its experiment, and draw it; returns the exit code."""
    import plotting
    from engine.claims.seed_band import FEWEST_SEEDS, curves_of, departures, read_bands
    from engine.runs.metrics_log import read_rows
    from engine.runs.run import Folders, read_summary
    from experiment.reproduce.results import BANDS, read

    folders = Folders.of(outputs, run_id)
    experiment = str(read_summary(outputs, run_id).get("experiment"))
    known = read_bands(read(chapter / BANDS).get(experiment, {}))
    if not known:
        number = chapter.name.split("_")[0]
        raise InputError(
            f"{experiment} of {chapter.name} has no band: `scratch reproduce {number}` makes one, from "
            f"{FEWEST_SEEDS} seeds or more"
        )
    rows = read_rows(folders.logs / "metrics.jsonl")
    curves = curves_of(rows)
    recorded = [metric for metric in known if metric in curves]
    if not recorded:
        raise InputError(f"run {run_id} recorded none of {', '.join(known)}, which the bands are of")
    found = {departure.metric: departure for departure in departures(known, rows)}
    for metric in recorded:
        click.echo(found.get(metric, f"{metric} stays inside the band"))
    bands = {
        metric: {
            "run": (list(curves[metric]), list(curves[metric].values())),
            "steps": band.steps,
            "seeds": (band.low, band.high),
            "middle": band.middle,
            "limits": band.limits(),
            "logarithmic": band.logarithmic,
            "leaves_at": found[metric].step if metric in found else None,
        }
        for metric, band in known.items()
        if metric in recorded
    }
    picture = folders.visualizations / "band.png"
    plotting.save(plotting.render("band", {"subject": experiment, "bands": bands}), picture)
    click.echo(f"drew {picture}")
    return 1 if found else 0


if __name__ == "__main__":
    run_command(compare, "scratch compare")
