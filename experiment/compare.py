"""A run held against the seed bands of its experiment, and drawn with them."""

from dataclasses import dataclass
from pathlib import Path

import plotting
from engine.claims.seed_band import FEWEST_SEEDS, Departure, curves_of, departures, read_bands
from engine.runs.metrics_log import read_rows
from engine.runs.run import Folders, read_summary
from experiment.reproduce.results import BANDS, read
from utils.errors import InputError


@dataclass(frozen=True)
class Compared:
    """How a run lies in the bands.

    Attributes:
        departures: Metric to where the run leaves its band; None where it stays inside.
        picture: The file that was drawn.
    """

    departures: dict[str, Departure | None]
    picture: Path


def compare(chapter: Path, outputs: Path, run_id: str) -> Compared:
    """Find where the run leaves the bands, and draw it.

    Args:
        chapter: The folder of the chapter that made it.
        outputs: Where the chapter's runs are.
        run_id: The run.

    Raises:
        InputError: Its experiment has no bands, or the run recorded none of their metrics.
    """
    folders = Folders.of(outputs, run_id)
    experiment = str(read_summary(outputs, run_id).get("experiment"))
    bands = read_bands(read(chapter / BANDS).get(experiment, {}))
    if not bands:
        number = chapter.name.split("_")[0]
        raise InputError(
            f"{experiment} of {chapter.name} has no band: `scratch reproduce {number}` makes one, from "
            f"{FEWEST_SEEDS} seeds or more"
        )
    rows = read_rows(folders.logs / "metrics.jsonl")
    curves = curves_of(rows)
    recorded = {metric: band for metric, band in bands.items() if metric in curves}
    if not recorded:
        raise InputError(f"run {run_id} recorded none of {', '.join(bands)}, which the bands are of")
    left = {departure.metric: departure for departure in departures(bands, rows)}
    drawn = {
        metric: {
            "run": (list(curves[metric]), list(curves[metric].values())),
            "steps": band.steps,
            "seeds": (band.low, band.high),
            "middle": band.middle,
            "limits": band.limits(),
            "logarithmic": band.logarithmic,
            "leaves_at": left[metric].step if metric in left else None,
        }
        for metric, band in recorded.items()
    }
    picture = folders.visualizations / "band.png"
    plotting.save(plotting.render("band", {"subject": experiment, "bands": drawn}), picture)
    return Compared({metric: left.get(metric) for metric in recorded}, picture)
