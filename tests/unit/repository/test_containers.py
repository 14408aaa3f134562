"""Images, compose and Kubernetes files are what their schemas and linters accept, and name what there is."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from cli.commands.project.lint import deployment_checks

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "deployment/containers/Dockerfile"
COMPOSE = ROOT / "deployment/compose.yaml"
KUBERNETES = ROOT / "deployment/kubernetes"
KUSTOMIZATIONS = sorted(KUBERNETES.rglob("kustomization.yaml"))
MANIFESTS = sorted(set(KUBERNETES.rglob("*.yaml")) - set(KUSTOMIZATIONS))
BIN = Path(sys.executable).parent
TARGETS = ("api", "ui", "training")


@pytest.fixture
def dockerfile(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools/containers"))
    import dockerfile

    return dockerfile


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


# ---- the Dockerfile --------------------------------------------------------------------------------------------------


def test_the_linters_of_containers_and_clusters_find_nothing() -> None:
    checks = deployment_checks(ROOT)
    assert [check.name for check in checks] == ["hadolint", "schema compose-spec", "kubernetes-validate"]
    for check in checks:
        program, *arguments = check.command
        done = subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_comes_from_elsewhere_has_a_version() -> None:
    images = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert images and all(re.search(r":\d+\.\d+\.\d+", image) for image in images)
    assert re.findall(r"pip install --no-cache-dir (\S+)", DOCKERFILE.read_text()) == ["uv==0.13.8"]


def test_every_package_of_an_image_has_a_version(dockerfile: ModuleType) -> None:
    stages = dockerfile.read(DOCKERFILE)
    for target in TARGETS:
        steps = [step.text for stage in dockerfile.needed(stages, target) for step in stage.instructions]
        copied = [step for step in steps if step.startswith("deployment/containers/constraints/")]
        assert copied[-1] == f"deployment/containers/constraints/{target}.txt constraints.txt"
        installed = [step for step in steps if "uv pip install" in step]
        assert installed and all(" -c constraints.txt " in step for step in installed)


def test_every_image_runs_as_somebody_else_than_root_and_says_whether_it_is_well(dockerfile: ModuleType) -> None:
    stages = dockerfile.read(DOCKERFILE)
    for target in TARGETS:
        steps = [step for stage in dockerfile.needed(stages, target) for step in stage.instructions]
        assert [step.text for step in steps if step.name == "USER"] == ["10001:10001"]
        assert [step.name for step in stages[target].instructions].count("HEALTHCHECK") == 1


def test_a_new_volume_belongs_to_whom_the_image_runs_as(dockerfile: ModuleType) -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"].values()
    mounted = {volume.split(":")[1] for service in services for volume in service.get("volumes", [])}
    text = DOCKERFILE.read_text()
    declared = {folder for line in re.findall(r"^VOLUME (.*)$", text, re.MULTILINE) for folder in json.loads(line)}
    made = {
        folder: owner
        for step in dockerfile.read(DOCKERFILE)["sources"].instructions
        for folder, owner in dockerfile.given_away(step).items()
    }
    assert made == dict.fromkeys(mounted | declared, "10001:10001")


def test_the_builder_gets_sources_and_nothing_else(dockerfile: ModuleType) -> None:
    ignored = dockerfile.Ignored(ROOT / ".dockerignore")
    for path in (
        "models/03_mlp/src/model.py",
        "deployment/api/settings.yaml",
        "LICENSE",
        "config/trainer/default.yaml",
    ):
        assert (ROOT / path).exists() and not ignored(path)
    for path in (
        *(".git/config", ".venv/bin/python", "data/raw/mnist", "build/benchmark", "tests/unit/conftest.py", "key.pem"),
        *("models/03_mlp/outputs/models", "models/03_mlp/.venv", "models/03_mlp/tests/x.py", "deployment/api.key"),
        *("cli/__pycache__", "deployment/.env"),
    ):
        assert ignored(path), path


def test_a_dockerfile_is_read_as_docker_reads_it(dockerfile: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(
        "FROM python:3 AS one\nENV A=1 \\\n    # why\n    B=$A/b\nFROM one AS two\nFROM x:1 AS three\n"
        "COPY --from=one /venv /venv\n"
    )
    stages = dockerfile.read(path)
    assert [stage.name for stage in dockerfile.needed(stages, "three")] == ["one", "three"]
    assert stages["one"].instructions == [("ENV", "A=1 B=$A/b")]
    assert dockerfile.filled("${A}/$B/$C", {"A": "1", "B": "2"}) == "1/2/"
    path.write_text("FROM x:1 AS a\nADD . .\n")
    with pytest.raises(ValueError, match="ADD is no instruction that is known here"):
        dockerfile.read(path)
    path.write_text("RUN true\n")
    with pytest.raises(ValueError, match="RUN comes before the first FROM"):
        dockerfile.read(path)


# ---- compose ---------------------------------------------------------------------------------------------------------


def test_every_service_is_limited_restricted_and_only_here() -> None:
    content = yaml.safe_load(COMPOSE.read_text())
    for name, service in content["services"].items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "environment" not in service or not any("KEY" in key for key in service["environment"]), name
        assert (ROOT / "deployment" / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        assert service["build"]["target"] in TARGETS
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in content["volumes"]
        assert service.get("depends_on", {}).keys() <= content["services"].keys()


def test_with_a_gpu_only_what_the_api_is_made_of_and_may_have_is_different() -> None:
    content = yaml.safe_load((ROOT / "deployment/compose.gpu.yaml").read_text())
    assert content["services"].keys() == {"api"}
    api = content["services"]["api"]
    assert api["build"] == {"args": {"TORCH_BACKEND": "${TORCH_BACKEND:-cu130}"}}
    assert api["image"] != yaml.safe_load(COMPOSE.read_text())["services"]["api"]["image"]
    (device,) = api["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


# ---- Kubernetes ------------------------------------------------------------------------------------------------------


def test_no_object_says_in_which_namespace_it_is() -> None:
    for path in [*MANIFESTS, *KUSTOMIZATIONS]:
        assert not re.search(r"^\s*namespace:", path.read_text(), re.MULTILINE), path


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: str(path.parent.relative_to(KUBERNETES)))
def test_what_a_kustomization_makes_is_accepted_too(path: Path) -> None:
    objects = built(path)
    for document in objects:
        kubernetes_validate.validate(document, "1.37", strict=True)
    assert objects


def built(path: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization with its patches; names, labels and images are left as they are."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    objects: list[dict[str, Any]] = []
    for name in content["resources"]:
        there = path.parent / name
        objects += copy.deepcopy(built(there / "kustomization.yaml") if there.is_dir() else documents(there))
    for patch in content.get("patches", []):
        wanted = patch["target"]
        (target,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (wanted["kind"], wanted["name"])]
        for change in yaml.safe_load(patch["patch"]):
            put(target, change)
    return objects


def put(target: Any, change: dict[str, Any]) -> None:
    """One operation of a JSON patch."""
    *parts, last = [part.replace("~1", "/") for part in change["path"].split("/")[1:]]
    for part in parts:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if last == "-":
        return target.append(change["value"])
    key: Any = int(last) if isinstance(target, list) else last
    assert change["op"] == "add" or target[key] is not None  # a replacement replaces something
    target[key] = change["value"]


def test_pods_run_as_the_image_does_and_can_write_nowhere_else_than_in_volumes() -> None:
    pods = [
        d["spec"]["template"]["spec"] for p in MANIFESTS for d in documents(p) if d["kind"] in ("Deployment", "Job")
    ]
    assert len(pods) == 2
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() == container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_the_api_is_probed_where_it_answers_and_has_time_to_end() -> None:
    (deployment,) = documents(KUBERNETES / "base/deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    probes = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
    settings = yaml.safe_load((ROOT / "deployment/api/settings.yaml").read_text())["server"]
    (generated,) = yaml.safe_load((KUBERNETES / "base/kustomization.yaml").read_text())["configMapGenerator"]
    drain = dict(literal.split("=", 1) for literal in generated["literals"])["SCRATCH_API__SERVER__DRAIN_SECONDS"]
    assert pod["terminationGracePeriodSeconds"] >= int(drain) + settings["stop_seconds"]
    assert container["ports"][0]["containerPort"] == settings["port"]


def test_the_overlays_differ_in_what_they_say() -> None:
    def api(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        objects = {document["kind"]: document for document in built(KUBERNETES / f"overlays/{name}/kustomization.yaml")}
        return objects["Deployment"]["spec"]["template"]["spec"]["containers"][0], objects["HorizontalPodAutoscaler"]

    assert api("production")[0]["args"] == ["--alias", "prod", "--device", "cpu"]
    assert api("staging")[0]["args"][1] == "staging" and api("staging")[1]["spec"]["maxReplicas"] == 1
    assert api("gpu")[0]["args"][3] == "cuda" and api("gpu")[0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize(
    "overlay",
    [path for path in KUSTOMIZATIONS if path.parents[1].name == "overlays"],
    ids=lambda path: path.parent.name,
)
def test_the_policy_lets_the_api_reach_its_registry_and_be_reached_by_whom_it_asks_for(overlay: Path) -> None:
    objects = {document["kind"]: document for document in built(overlay)}
    template, policy = objects["Deployment"]["spec"]["template"], objects["NetworkPolicy"]["spec"]
    (generated,) = yaml.safe_load((KUBERNETES / "base/kustomization.yaml").read_text())["configMapGenerator"]
    variables = dict(literal.split("=", 1) for literal in generated["literals"])
    variables |= {each["name"]: each.get("value") for each in template["spec"]["containers"][0]["env"]}
    registry = urlsplit(variables["MLFLOW_TRACKING_URI"])
    assert {"port": registry.port or 443, "protocol": "TCP"} in [
        port for out in policy["egress"] for port in out["ports"]
    ]
    scraped = "prometheus.io/scrape" in template["metadata"].get("annotations", {})
    assert scraped == any("namespaceSelector" in each for each in policy["ingress"][0]["from"])


def test_what_the_job_trains_is_there() -> None:
    (job,) = documents(KUBERNETES / "training/job.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (ROOT / f"models/03_mlp/config/experiment/{container['args'][1]}.yaml").exists()
    command = re.findall(r"^CMD (.*)$", DOCKERFILE.read_text(), re.MULTILINE)[-1]
    assert json.loads(command) == container["args"]
