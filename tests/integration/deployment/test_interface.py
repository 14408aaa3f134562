"""The pages in a real browser: each is loaded and used, and what it says is what the model says."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as BrowserTimeout

from tests.doubles.scripts import COMMAND, READY, call, finish, start

MODELS = Path(__file__).resolve().parents[3] / "models"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
PATIENCE = 60_000  # milliseconds that a page may take for anything, on a busy machine
WIDTHS = (1280, 390)
LAID = "canvas => canvas.getContext('2d').getImageData(0, 0, 1, 1).data[3] === 255"

TRAINED = {
    "points": ("01_perceptron", "and", ()),
    "drawing": ("03_mlp", "digits", ("--epochs", "5")),
    "form": ("03_mlp", "diabetes", ("--epochs", "2")),
    "memory": ("04_hopfield", "recall", ()),
    "tape": ("00_autograd", "xor", ("--epochs", "2", "--visualize")),
}
"""Page to chapter, experiment and what makes its training short."""

FINISHED, UNREADABLE = b'{"status": "finished", "chapter": "03_mlp"}', "unreadable"
STRANGE: dict[str, tuple[str, dict[str, bytes]]] = {
    "cut-0": (UNREADABLE, {"models/metrics.json": b'{"run_id": "cut-0", "sta'}),
    "list-0": (UNREADABLE, {"models/metrics.json": b"[]"}),
    "empty-0": (UNREADABLE, {}),
    "best-0": ("finished", {"models/metrics.json": FINISHED[:-1] + b', "best": {"value": 1%s}}' % (b"0" * 400)}),
    "row-0": ("finished", {"models/metrics.json": FINISHED, "logs/metrics.jsonl": b"[1]\n"}),
    "text-0": ("finished", {"models/metrics.json": FINISHED, "logs/metrics.jsonl": b'{"step": 0, "a/b": "text"}\n'}),
    "bytes-0": ("finished", {"models/metrics.json": FINISHED, "models/config.yaml": b"claims: \xff"}),
    "deep-0": ("finished", {"models/metrics.json": FINISHED, "models/config.yaml": b"claims: " + b"[" * 3000}),
}
"""Run to its status in the list and its files: something in them is not what it should be."""
ALL = len(TRAINED) + len(STRANGE)


@dataclass(frozen=True)
class Served:
    """A page that is being served."""

    url: str
    chapter: Path
    run_id: str
    outputs: Path

    def predict(self, source: str) -> dict[str, object]:
        """What `scratch predict` says to the same model."""
        fixed = ("--device", "cpu", "--output", "json", "--outputs", self.outputs, "--top", "5")
        asked = ("--checkpoint", self.run_id, "--input", source)
        ended = call(*COMMAND, "predict", self.chapter, *asked, *fixed, env=READY)
        assert ended.code == 0, ended.stderr
        answer: dict[str, object] = json.loads(ended.stdout)[0]
        return answer


def serve(*arguments: object) -> "subprocess.Popen[str]":
    return start(*COMMAND, "ui", *arguments, "--host", "127.0.0.1", env={"OMP_NUM_THREADS": "1", **READY})


def address(process: "subprocess.Popen[str]") -> str:
    """Where the page is, as its one line says."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + process.stderr.read()
    return found[0]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five short runs, and some that are strange."""
    folder = tmp_path_factory.mktemp("outputs")

    def train(page: str) -> None:
        chapter, experiment, options = TRAINED[page]
        script = MODELS / chapter / "src/train.py"
        trained = start(script, "--experiment", experiment, "--no-wandb", "--outputs", folder, *options)
        ended = finish(trained, seconds=None)
        assert ended.code == 0, ended.stderr

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(train, TRAINED))
    for name, (_, files) in STRANGE.items():
        (folder / "models" / name).mkdir()
        for path, content in files.items():
            kind, file = path.split("/")
            (folder / kind / name).mkdir(exist_ok=True)
            (folder / kind / name / file).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def pages(outputs: Path) -> Iterator[dict[str, Served]]:
    """Each chapter's page and that of the runs, all being served."""
    processes, served = {}, {}
    try:
        for page, (chapter, experiment, _) in TRAINED.items():
            run_id = next(outputs.glob(f"models/{experiment}-*")).name
            checkpoint = ("--checkpoint", run_id, "--outputs", outputs, "--port", "0")
            processes[page] = (serve(MODELS / chapter, *checkpoint), MODELS / chapter, run_id)
        processes["runs"] = (serve("--outputs", outputs, "--port", "0"), MODELS, "")
        for page, (process, chapter_folder, run_id) in processes.items():
            served[page] = Served(address(process), chapter_folder, run_id, outputs)
        yield served
    finally:
        for process, _, _ in processes.values():
            process.terminate()
    ends = {page: finish(process) for page, (process, _, _) in processes.items()}
    assert {page: (end.code, end.stderr) for page, end in ends.items()} == {page: (143, "") for page in processes}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium on the PATH; on Debian and Ubuntu it is the package 'chromium'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, pages: dict[str, Served], tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page; nothing outside this machine is asked for, and the browser has nothing to complain about."""
    opened, elsewhere, complaints = [], [], []

    def go(name: str, width: int = WIDTHS[0]) -> Page:
        page, url = browser.new_page(viewport={"width": width, "height": 900}), pages[name].url
        page.set_default_timeout(PATIENCE)
        here = (url, url.replace("http", "ws", 1), "data:", "blob:")
        page.on("request", lambda sent: None if sent.url.startswith(here) else elsewhere.append(sent.url))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        opened.append(page)
        return page

    yield go
    for number, page in enumerate(opened):
        page.screenshot(path=tmp_path / f"{number}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        page.close()
    assert elsewhere == []
    assert complaints == []


def shows(locator: Locator, pattern: str) -> "re.Match[str]":
    """Wait until the text of `locator` has `pattern`, and return where."""
    expect(locator).to_contain_text(re.compile(pattern), timeout=PATIENCE)
    found = re.search(pattern, locator.inner_text())
    assert found
    return found


def click_at(locator: Locator, across: float, down: float) -> None:
    """Click at a place given in shares of the width and the height."""
    box = locator.bounding_box()
    assert box
    locator.click(position={"x": across * box["width"], "y": down * box["height"]})


def ask_at(page: Page, across: float, down: float, before: str = "") -> "re.Match[str]":
    """Click into the plane and return the place that the page then names, another one than `before`.

    While a page still loads a click is lost, so it is made again.
    """
    place = r"x1 = ([-\d.]+), x2 = ([-\d.]+)\."
    named = f"was => (document.querySelector('#state').innerText.match(/{place}/) || [was])[0] !== was"
    for _ in range(10):
        click_at(page.locator("#plane img"), across, down)
        with suppress(BrowserTimeout):
            page.wait_for_function(named, arg=before, timeout=PATIENCE / 10)
            break
    return shows(page.locator("#state"), place)


def stroke(page: Page, locator: Locator, *places: tuple[float, float]) -> None:
    """Draw a line through places given in shares of the width and the height.

    The paper takes a line once it shows what lies on it.
    """
    page.wait_for_function(LAID, arg=locator.element_handle(), timeout=PATIENCE)
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    assert box
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


# --- points


@pytest.mark.parametrize("width", WIDTHS)
def test_a_click_asks_the_model_at_that_place(visit: Callable[..., Page], pages: dict[str, Served], width: int) -> None:
    page = visit("points", width)
    shows(page.locator("#state"), "4 of 4 points are right")
    asked = ask_at(page, 0.7, 0.4)
    answer = pages["points"].predict(f"{asked[1]},{asked[2]}")
    said = shows(page.locator("#answer"), r"(\d) \(score ([-\d.]+)\)")
    assert said[1] == answer["label"]
    assert float(said[2]) == pytest.approx(answer["score"], abs=0.01)
    left = ask_at(page, 0.4, 0.4, before=asked[0])
    assert float(left[1]) < float(asked[1])
    assert float(left[2]) == pytest.approx(float(asked[2]), abs=0.02)


def test_a_new_perceptron_learns_points_that_a_visitor_placed(visit: Callable[..., Page]) -> None:
    page = visit("points")
    shows(page.locator("#state"), "4 of 4 points are right")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#state")).not_to_contain_text("points are right", timeout=PATIENCE)
    page.get_by_role("button", name="Learn the points").click()
    expect(page.get_by_text("there are no points to learn")).to_be_visible(timeout=PATIENCE)
    for number, (name, across) in enumerate((("0", 0.7), ("0", 0.6), ("1", 0.35)), start=1):
        page.get_by_label(f"adds a point of '{name}'").check()
        click_at(page.locator("#plane img"), across, 0.5)
        shows(page.locator("#state"), f"of {number} points? ")
    page.get_by_role("button", name="Learn the points").click()
    shows(page.locator("#state"), "it went 100 times .* 3 of 3 points are right")
    page.get_by_role("button", name="Trained model").click()
    shows(page.locator("#state"), "that of run")


def test_the_tape_of_an_answer_is_shown_with_its_gradients(visit: Callable[..., Page]) -> None:
    page = visit("tape", WIDTHS[1])
    page.locator("#plane img").wait_for()
    expect(page.locator("#tape img")).to_have_count(0)
    ask_at(page, 0.7, 0.4)
    page.locator("#tape img").wait_for(state="attached")
    page.locator("#tape").scroll_into_view_if_needed()  # it is loaded only then
    page.locator("#tape img").wait_for()


# --- drawing


def test_a_drawing_is_answered_as_the_small_picture_of_it(
    visit: Callable[..., Page], pages: dict[str, Served], tmp_path: Path
) -> None:
    page = visit("drawing", WIDTHS[1])
    page.locator("#paper canvas").wait_for()
    stroke(page, page.locator("#paper canvas"), (0.5, 0.15), (0.52, 0.85))
    page.locator("#seen img").wait_for()
    content = page.request.get(str(page.locator("#seen img").get_attribute("src"))).body()
    small = tmp_path / "seen.png"
    Image.open(io.BytesIO(content)).resize((8, 8), Image.Resampling.NEAREST).save(small)
    answer = pages["drawing"].predict(str(small))
    expect(page.locator("#answer")).to_contain_text(str(answer["label"]), timeout=PATIENCE)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#seen img")).to_have_count(0, timeout=PATIENCE)


def test_an_uploaded_picture_is_answered_and_another_file_refused(
    visit: Callable[..., Page], pages: dict[str, Served], tmp_path: Path
) -> None:
    digit = tmp_path / "digit.png"
    image = Image.new("L", (32, 32))
    image.paste(255, (13, 2, 19, 30))
    image.save(digit)
    page = visit("drawing")
    page.get_by_role("tab", name="Upload").click()
    page.locator("#upload input[type=file]").set_input_files(digit)
    answer = pages["drawing"].predict(str(digit))
    shows(page.locator("#answer"), rf"^\s*(The model's answer\s*)?{answer['label']}\s")
    no_picture = tmp_path / "text.png"
    no_picture.write_text("this is text")
    page.locator("#upload").get_by_label("Clear").click()
    page.locator("#upload input[type=file]").set_input_files(no_picture)
    expect(page.get_by_text("no picture that can be read")).to_be_visible(timeout=PATIENCE)


def test_a_file_of_more_than_eight_megabytes_is_not_taken(pages: dict[str, Served]) -> None:
    address = f"{pages['drawing'].url}gradio_api/upload"
    sizes = (8 * 2**20, 8 * 2**20 + 1)
    sent = [httpx.post(address, files={"files": ("large.png", bytes(size))}, timeout=60) for size in sizes]
    assert [answer.status_code for answer in sent] == [200, 413]


def test_each_tab_has_its_own_answer(visit: Callable[..., Page]) -> None:
    page = visit("drawing")
    page.locator("#paper canvas").wait_for()
    stroke(page, page.locator("#paper canvas"), (0.5, 0.15), (0.52, 0.85))
    page.locator("#seen img").wait_for()
    page.get_by_role("tab", name="Upload").click()
    expect(page.locator("#seen img")).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("tab", name="Draw").click()
    page.locator("#seen img").wait_for()


# --- memory


def test_a_spoiled_pattern_is_recalled(visit: Callable[..., Page]) -> None:
    page = visit("memory")
    page.locator("#paper canvas").wait_for()
    before = page.locator("#paper canvas").evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="Flip").click()
    page.wait_for_function(
        "before => document.querySelector('#paper canvas').toDataURL() !== before", arg=before, timeout=PATIENCE
    )
    page.get_by_role("button", name="Recall").click()
    said = shows(page.locator("#answer"), r"Nearest to '0', overlap (\d\.\d+)\..* (\d+) units have changed")
    assert float(said[1]) > 0.9
    assert 20 <= int(said[2]) <= 60  # a fifth of 200 were flipped
    for name in ("end", "near", "energy", "overlaps"):
        page.locator(f"#{name} img").wait_for()


def test_what_is_painted_is_where_recall_starts(visit: Callable[..., Page]) -> None:
    page = visit("memory", WIDTHS[1])
    page.locator("#paper canvas").wait_for()
    stroke(page, page.locator("#paper canvas"), (0.1, 0.25), (0.6, 0.25))
    page.get_by_role("button", name="Recall").click()
    said = shows(page.locator("#answer"), r"overlap [\d.]+.* (\d+) units have changed")
    assert int(said[1]) > 0


# --- a form


@pytest.mark.parametrize("width", WIDTHS)
def test_the_form_answers_for_the_row_it_shows(
    visit: Callable[..., Page], pages: dict[str, Served], width: int
) -> None:
    page = visit("form", width)
    said = shows(page.locator("#answer"), r"progression = ([\d.]+)")
    row = [float(field.input_value()) for field in page.locator("input[type=number]").all()]
    assert len(row) == 10
    values = pages["form"].predict(",".join(map(str, row)))["values"]
    assert float(said[1]) == pytest.approx(values["progression"], rel=1e-3)  # type: ignore[index]
    page.locator("input[type=number]").nth(2).fill("40")
    page.locator("input[type=number]").nth(2).press("Enter")
    expect(page.locator("#answer")).not_to_contain_text(said[1], timeout=PATIENCE)
    page.locator("#curve img").wait_for()


def test_the_answer_stays_in_sight_while_the_form_is_scrolled(visit: Callable[..., Page]) -> None:
    page = visit("form", WIDTHS[1])
    shows(page.locator("#answer"), r"progression = ([\d.]+)")
    page.set_viewport_size({"width": WIDTHS[1], "height": 300})
    page.mouse.wheel(0, 400)
    page.wait_for_function("window.scrollY >= 300", timeout=PATIENCE)
    expect(page.locator("#answer")).to_be_in_viewport(ratio=1)


# --- runs


@pytest.mark.parametrize("width", WIDTHS)
def test_runs_are_listed_chosen_and_compared(visit: Callable[..., Page], outputs: Path, width: int) -> None:
    page = visit("runs", width)
    shows(page.locator("#count"), f"{ALL} of {ALL} runs")
    page.get_by_label("Words in the name").fill("di")
    shows(page.locator("#count"), f"2 of {ALL} runs")
    for name in ("digits-0", "diabetes-0"):
        page.locator("#runs").get_by_text(re.compile(f"^{name}")).last.click()
        expect(page.locator("#chosen")).to_contain_text(name, timeout=PATIENCE)
    page.locator("#curves img").wait_for()
    page.get_by_label("Metric").click()
    page.get_by_role("option", name="validation/mse").click()
    page.get_by_role("tab", name="Metrics").click()
    expect(page.locator("#side")).to_contain_text("validation/mse", timeout=PATIENCE)


def test_on_a_phone_a_run_is_seen_with_how_it_stands_and_the_words_in_its_curves_can_be_read(
    visit: Callable[..., Page],
) -> None:
    page = visit("runs", WIDTHS[1])
    row = page.locator("#runs [role=row]").filter(has_text="digits-0")
    for cell, words in enumerate(("digits-0", "finished", "0.")):
        shown = row.locator("[role=gridcell]").nth(cell)
        expect(shown).to_contain_text(words, timeout=PATIENCE)
        expect(shown).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    row.get_by_text(re.compile("^digits-0")).last.click()
    page.wait_for_function("document.querySelector('#curves img')?.width >= 560", timeout=PATIENCE)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pictures_of_a_run_are_whole(visit: Callable[..., Page], width: int) -> None:
    page = visit("runs", width)
    shows(page.locator("#count"), f"{ALL} of {ALL} runs")
    page.get_by_label("Words in the name").fill("autograd")
    shows(page.locator("#count"), f"1 of {ALL} runs")
    page.locator("#runs").get_by_text(re.compile("^xor-0")).last.click()
    expect(page.locator("#chosen")).to_contain_text("xor-0", timeout=PATIENCE)
    page.get_by_role("tab", name="Pictures").click()
    graph = page.get_by_alt_text(re.compile("^computation_graph, xor-0"))
    graph.wait_for()
    graph.scroll_into_view_if_needed()  # it is loaded only then
    box = "image => image.complete && Math.abs(image.width / image.height - image.naturalWidth / image.naturalHeight)"
    page.wait_for_function(f"image => ({box})(image) < 0.1", arg=graph.element_handle(), timeout=PATIENCE)


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_run_is_listed_as_what_it_is_and_can_be_chosen(visit: Callable[..., Page], name: str) -> None:
    page = visit("runs")
    shows(page.locator("#count"), f"{ALL} of {ALL} runs")
    page.get_by_label("Words in the name").fill(name)
    shows(page.locator("#count"), f"1 of {ALL} runs")
    expect(page.locator("#runs")).to_contain_text(STRANGE[name][0], timeout=PATIENCE)
    page.locator("#runs").get_by_text(name).last.click()
    page.get_by_role("tab", name="Claims").click()
    expect(page.locator("#claims")).to_contain_text(name, timeout=PATIENCE)


# --- how it starts and ends


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with taken_port() as port:
        ended = finish(serve("--outputs", tmp_path, "--port", port))
    assert ended.code == 2
    assert re.fullmatch(
        rf"error: cannot listen at 127\.0\.0\.1 port {port}: Address already in use; .*--port\n", ended.stderr
    )


@pytest.mark.parametrize("host", ["not.a.host", "192.0.2.1", "no..name"])
def test_an_address_that_is_not_of_this_machine_is_one_line(host: str) -> None:
    ended = finish(start(*COMMAND, "ui", "--host", host, "--port", "0", env=READY))
    assert ended.code == 2
    assert re.fullmatch(rf"error: .*{re.escape(host)}.*; choose another with --host\n", ended.stderr)


def test_ctrl_c_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(
        *(*COMMAND, "ui", "--outputs", tmp_path / "none"),
        *("--host", "127.0.0.1", "--port", "0"),
        env={"TMPDIR": str(tmp_path), **READY},
    )
    address(process)
    assert [path.name for path in tmp_path.glob("scratch-ui-*")]
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert (ended.code, ended.stderr) == (130, "")
    assert list(tmp_path.glob("scratch-ui-*")) == []
