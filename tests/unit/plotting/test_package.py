"""The package as the engine and the command line see it: names, injection of what is available, saving."""

import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

import plotting
from utils.errors import InputError, RunError

WEIGHTS, BIAS = np.array([1.0, 1.0]), -1.5


@pytest.fixture
def available() -> dict[str, Any]:
    """What the engine has after training AND, and an image shape beside it."""
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    history = [
        {
            "step": 4 * epoch,
            "epoch": epoch,
            "batch/loss": 1 / (epoch + 1),
            "train/loss": 0.5 / (epoch + 1),
            "train/accuracy": 0.25 * epoch,
            "model/weight_0": 0.25 * epoch,
            "model/weight_1": 0.25 * epoch,
            "model/bias": -0.5,
            "model/mistakes": 2.0 * epoch,
            "model/mistake_bound": 43.0,
            "model/load": 0.05 * epoch,
            "model/overlap": 1.0 - 0.1 * epoch,
            "model/gradient_norm_1": 0.01,
            "model/gradient_norm_2": 1.0,
        }
        for epoch in range(5)
    ]
    return {
        "subject": "and",
        "history": history,
        "inputs": inputs,
        "targets": np.array([0, 0, 0, 1]),
        "predictions": np.array([0, 0, 1, 1]),
        "predict": lambda points: (points @ WEIGHTS + BIAS > 0).astype(int),
        "class_names": ("0", "1"),
        "target_names": ("y",),
        "feature_names": ("first input", "second input"),
        "image_shape": (1, 2),
        "split": "train",
        "weights": WEIGHTS,
        "bias": BIAS,
        "represent": np.tanh,
        "readout_weights": WEIGHTS,
        "readout_bias": BIAS,
        "trials": [
            {
                "number": 0,
                "value": 0.5,
                "parameters": {"optimizer.lr": 0.001, "model.hidden": "4", "optimizer": "adam"},
            },
            {"number": 1, "value": None, "parameters": {"optimizer.lr": 0.1, "model.hidden": "16", "optimizer": "sgd"}},
            {"number": 2, "value": 0.9, "parameters": {"optimizer.lr": 1.0, "model.hidden": "8", "optimizer": "sgd"}},
        ],
        "metric": "validation/accuracy",
        "mode": "max",
        "logarithmic": ("optimizer.lr",),
        "bands": {
            "train/loss": {
                "run": ([0, 4, 8], [0.5, 0.25, 0.9]),
                "steps": [0, 4, 8],
                "seeds": ([0.45, 0.2, 0.1], [0.55, 0.3, 0.2]),
                "middle": [0.5, 0.25, 0.15],
                "limits": ([0.35, 0.1, 0.0], [0.65, 0.4, 0.3]),
                "logarithmic": False,
                "leaves_at": 8,
            }
        },
        "rates": [0.001, 0.01, 0.1, 1.0],
        "losses": [1.0, 0.6, 0.5, 4.0],
        "smoothed": [1.0, 0.8, 0.7, 2.0],
        "correlation": np.array([[1.0, 0.2], [0.2, 1.0]]),
        "optimum": np.array([0.5, -0.25]),
        "minimum": 0.1,
        "relative_rates": np.array([0.5, 1.05]),
        "distances": np.array([[1.0, 0.5, 0.25], [1.0, 1.1, 1.21]]),
        "nodes": ("leaf\n2", "leaf\n2", "add\n2", "mean\nnumber"),
        "edges": ((0, 2), (1, 2), (2, 3)),
        "errors": {"add": 1e-10, "mean": 0.0},
        "depths": np.array([1, 2]),
        "time_over_hand": np.array([3.0, 4.0]),
        "tape_numbers": np.array([10, 20]),
        "numbers_by_formula": np.array([10, 20]),
        "patterns": np.array([[1.0, -1.0], [-1.0, -1.0]]),
        "corrupted": np.array([[-1.0, -1.0], [-1.0, 1.0]]),
        "recalled": np.array([[1.0, -1.0], [-1.0, 1.0]]),
        "energies": np.array([[-0.1, -0.2], [-0.5, -0.1]]),
        "times": [0.0, 1.0],
        "forms": [
            {"name": "before", "bytes": 4000, "compressed": 3600, "milliseconds": {1: 0.1, 64: 0.4}, "value": 0.95},
            {"name": "after", "bytes": 1000, "compressed": 900, "milliseconds": {1: 0.05, 64: 0.1}, "value": 0.94},
        ],
        "points": [
            {"sparsity": 0.5, "at_once": 0.8, "trained_on": 0.95},
            {"sparsity": 0.9, "at_once": 0.3, "trained_on": 0.9},
        ],
        "baseline": 0.96,
        "asked": 0.5,
        "before": np.array([0.4, -0.2]),
        "after": np.array([1.0, 0.1]),
        "names": ("zero", "one"),
        "x": np.array([0.0, 0.5, 1.0]),
        "answers": np.array([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]]),
        "feature_name": "age",
        "what": "probabilities",
        "at": 0.5,
        "histories": {"and-0-20261121T175748Z-0aa5": [row | {"and": row["epoch"]} for row in history]},
    }


def suited(name: str, available: dict[str, Any]) -> dict[str, Any]:
    """`available`, with numbers in place of classes for the plot that needs them."""
    if name != "fit":
        return available
    numbers = available["inputs"][:, :1]
    return available | {"targets": numbers, "predictions": numbers / 2, "predict": lambda points: points[:, :1] / 2}


def run_python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_and_checking_a_name_loads_neither_matplotlib_nor_numpy() -> None:
    program = (
        "import plotting, sys; plotting.check_name('learning_curve'); print({'matplotlib', 'numpy'} & set(sys.modules))"
    )
    assert run_python(program).strip() == "set()"


def test_drawing_and_saving_never_load_pyplot(tmp_path: Path) -> None:
    program = f"""
import pathlib, sys, plotting
history = [{{"step": 1, "epoch": 1, "train/loss": 1.0}}]
figure = plotting.render("learning_curve", {{"subject": "xor", "history": history}})
plotting.save(figure, pathlib.Path({str(tmp_path / "a.png")!r}))
print("matplotlib.pyplot" in sys.modules)
"""
    assert run_python(program).strip() == "False"


def test_every_module_of_a_family_is_a_plot_with_a_name_of_its_own() -> None:
    files = [file.stem for file in Path(plotting.__file__).parent.glob("*/[!_]*.py")]
    assert plotting.plot_names() == tuple(sorted(files))
    assert {plotting._function(name).__name__ for name in files} == set(files)


def test_a_plot_is_known_by_its_module_alone(tmp_path: Path) -> None:
    package = tmp_path / "plotting"
    shutil.copytree(Path(plotting.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "audio").mkdir()
    (package / "audio" / "spectrogram.py").write_text("def spectrogram(subject):\n    return subject\n")
    root = Path(plotting.__file__).parents[1]
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(root)!r}]; import plotting; "
    program += "print(plotting.render('spectrogram', {'subject': 'a bird'}))"
    assert run_python(program).strip() == "a bird"


def test_an_unknown_plot_is_refused_with_the_closest_name() -> None:
    with pytest.raises(InputError, match="unknown plot 'learning_curv', did you mean 'learning_curve'"):
        plotting.check_name("learning_curv")
    with pytest.raises(InputError, match="unknown plot 'pie'"):
        plotting.render("pie", {})


def test_a_plot_whose_needs_are_absent_or_none_is_refused_by_name(available: dict[str, Any]) -> None:
    del available["weights"]
    available["image_shape"] = None
    with pytest.raises(InputError, match="plot 'weights_image' needs weights and image_shape") as caught:
        plotting.render("weights_image", available)
    assert "\n" not in str(caught.value)


def test_an_optional_value_may_be_absent_or_none(available: dict[str, Any]) -> None:
    available["weights"] = None
    del available["bias"]
    plotting.render("decision_boundary", available)


@pytest.mark.parametrize("name", plotting.plot_names())
def test_a_plot_leaves_its_data_and_the_readers_settings_as_they_were(name: str, available: dict[str, Any]) -> None:
    available = suited(name, available)
    before = copy.deepcopy({key: value for key, value in available.items() if key != "predict"})
    settings = dict(matplotlib.rcParams)
    plotting.render(name, available)
    for key, value in before.items():
        np.testing.assert_equal(available[key], value)
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("name", plotting.plot_names())
def test_the_same_data_give_the_same_bytes(name: str, available: dict[str, Any], tmp_path: Path) -> None:
    for file in ("first.png", "second.png"):
        plotting.save(plotting.render(name, suited(name, available)), tmp_path / file)
    first, second = ((tmp_path / file).read_bytes() for file in ("first.png", "second.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second
    assert matplotlib.__version__.encode() not in first


@pytest.mark.parametrize("name", plotting.plot_names())
def test_no_text_is_cut_off_at_the_edge(name: str, available: dict[str, Any]) -> None:
    available["subject"] = "an experiment with quite a long name, as some will have"
    figure = plotting.render(name, suited(name, available))
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 >= -0.05
    assert box.y0 >= -0.05
    assert box.x1 <= figure.get_figwidth() + 0.05
    assert box.y1 <= figure.get_figheight() + 0.05


def test_the_readers_own_matplotlib_settings_do_not_show(available: dict[str, Any], tmp_path: Path) -> None:
    plotting.save(plotting.render("learning_curve", available), tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.bbox": "tight"}):
        plotting.save(plotting.render("learning_curve", available), tmp_path / "odd.png")
    assert (tmp_path / "odd.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_a_picture_that_cannot_be_drawn_leaves_the_old_file(
    available: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new folder" / "curve.png"
    figure = plotting.render("learning_curve", available)
    plotting.save(figure, path)
    old = path.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(MemoryError):
        plotting.save(figure, path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_an_unwritable_folder_is_one_clear_line(available: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot write"):
        plotting.save(plotting.render("learning_curve", available), tmp_path / "file" / "curve.png")
