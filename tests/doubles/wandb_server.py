"""A double of the wandb server: the part of its protocol that the real client uses, in memory, on loopback.

It knows runs, their history, and versioned artifacts with aliases. It checks no rules of the real service beyond
those the tests speak of, and it can be told to misbehave. It follows the queries of the client version that
`requirements.txt` pins; a query it does not know is kept in `unknown_operations`, so that a test can refuse it.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

ENTITY = "learner"
API_KEY = "local-" + "a" * 40

Answer = dict[str, Any]
Variables = dict[str, Any]


@dataclass
class Run:
    """What the server was told of a run."""

    name: str
    project: str
    config: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    lines: dict[str, dict[int, str]] = field(default_factory=dict)
    """File to line number to line, as the client streamed them."""
    files: list[str] = field(default_factory=list)
    exit_code: int | None = None

    @property
    def history(self) -> list[dict[str, Any]]:
        """The logged rows in order."""
        return [json.loads(line) for _, line in sorted(self.lines.get("wandb-history.jsonl", {}).items())]


@dataclass
class Artifact:
    """One version of an artifact."""

    id: str
    name: str
    type: str
    version: int
    digest: str
    metadata: dict[str, Any]
    aliases: list[str] = field(default_factory=list)
    manifest: str = ""
    committed: bool = False


class WandbServer:
    """The server; `with WandbServer() as server:` starts it at `server.url` and stops it.

    Attributes:
        refuse_key: Answer every query as the service answers a wrong key.
        silent: Accept connections and never answer.
        cut_downloads: Send half of each file's bytes, then drop the connection.
        stall_downloads: Never send the files.
    """

    def __init__(self) -> None:
        self.refuse_key = False
        self.silent = False
        self.cut_downloads = False
        self.stall_downloads = False
        self.runs: dict[str, Run] = {}
        self.artifacts: list[Artifact] = []
        self.stored: dict[str, bytes] = {}
        self.unknown_operations: list[str] = []
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What `WANDB_BASE_URL` must be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def find(self, reference: str) -> Artifact | None:
        """The committed version that `name:alias`, `name:vN` or `name` stands for."""
        name, _, alias = reference.partition(":")
        alias = alias or "latest"
        for artifact in self.artifacts:
            if artifact.name == name and artifact.committed and alias in (*artifact.aliases, f"v{artifact.version}"):
                return artifact
        return None

    def contents(self, artifact: Artifact) -> dict[str, Any]:
        """File name to manifest entry."""
        return json.loads(self.stored[artifact.manifest])["contents"]

    def publish(self, name: str, files: dict[str, bytes], links: dict[str, str] | None = None) -> Artifact:
        """Put an artifact on the server as `latest`, with any file names and links whatever."""
        contents: dict[str, Any] = {
            path: {"digest": "x", "ref": target, "size": 1} for path, target in (links or {}).items()
        }
        for path, content in files.items():
            digest = hashlib.md5(content).digest()
            self.stored[f"files/{digest.hex()}"] = content
            contents[path] = {"digest": base64.b64encode(digest).decode(), "size": len(content)}
        artifact = self._new_version(name, "model", hashlib.md5(repr(contents).encode()).hexdigest(), {})
        artifact.manifest = f"manifests/{artifact.id}"
        self.stored[artifact.manifest] = json.dumps(
            {
                "version": 1,
                "storagePolicy": "wandb-storage-policy-v1",
                "storagePolicyConfig": {"storageLayout": "V2"},
                "contents": contents,
            }
        ).encode()
        artifact.committed = True
        self._point(artifact, ("latest",))
        return artifact

    def _new_version(self, name: str, kind: str, digest: str, metadata: dict[str, Any]) -> Artifact:
        version = sum(artifact.name == name for artifact in self.artifacts)
        artifact = Artifact(_id("Artifact", f"{name}-{version}"), name, kind, version, digest, metadata)
        self.artifacts.append(artifact)
        return artifact

    def _point(self, artifact: Artifact, aliases: tuple[str, ...]) -> None:
        """An alias belongs to one version: it leaves the version that had it."""
        for alias in aliases:
            for other in self.artifacts:
                if other.name == artifact.name and alias in other.aliases:
                    other.aliases.remove(alias)
            artifact.aliases.append(alias)

    def _by_id(self, identity: str) -> Artifact:
        return next(artifact for artifact in self.artifacts if artifact.id == identity)

    # What follows answers the client's queries; each method is named after its operation.

    def _viewer(self, _: Variables) -> Answer:
        teams = {"edges": [{"node": {"name": ENTITY}}]}
        user = {"id": _id("User", "1"), "entity": ENTITY, "username": ENTITY, "email": "learner@example.org"}
        return {"viewer": {**user, "flags": "{}", "teams": teams}}

    def _server_features(self, _: Variables) -> Answer:
        return {"serverInfo": {"features": []}}

    def _organization(self, _: Variables) -> Answer:
        return {"entity": {"organization": None}}

    def _upsert_bucket(self, variables: Variables) -> Answer:
        inserted = variables["name"] not in self.runs
        run = self.runs.setdefault(variables["name"], Run(variables["name"], variables["project"]))
        if variables.get("config"):
            run.config.update(json.loads(variables["config"]))
        run.tags = variables.get("tags") or run.tags
        return {"upsertBucket": {"bucket": self._bucket(run), "inserted": inserted}}

    def _resume_status(self, variables: Variables) -> Answer:
        run = self.runs.get(variables["name"])
        return {"model": {"id": _id("Project", variables["project"]), "bucket": self._bucket(run) if run else None}}

    def _bucket(self, run: Run) -> Answer:
        history = run.history
        project = {"id": _id("Project", run.project), "name": run.project, "entity": {"id": "e", "name": ENTITY}}
        return {
            "id": _id("Run", run.name),
            "name": run.name,
            "displayName": run.name,
            "description": None,
            "config": json.dumps(run.config),
            "sweepName": None,
            "project": project,
            "historyLineCount": len(history),
            "eventsLineCount": 0,
            "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(row) for row in history[-1:]]),
            "eventsTail": "[]",
            "summaryMetrics": json.dumps(history[-1] if history else {}),
            "tags": run.tags,
            "wandbConfig": json.dumps({"t": 1}),
        }

    def _create_run_files(self, variables: Variables) -> Answer:
        run = variables["run"]
        self.runs[run].files += variables["files"]
        files = [{"name": name, "uploadUrl": self._storage(f"runs/{run}/{name}")} for name in variables["files"]]
        return {"createRunFiles": {"runID": _id("Run", run), "uploadHeaders": [], "files": files}}

    def _artifact_type(self, variables: Variables) -> Answer:
        artifact = self.find(variables["name"])
        return {"project": {"artifact": {"artifactType": {"name": artifact.type}} if artifact else None}}

    def _create_artifact(self, variables: Variables) -> Answer:
        wanted = variables["input"]
        name, digest = wanted["artifactCollectionName"], wanted["digest"]
        same = [a for a in self.artifacts if a.name == name and a.digest == digest and a.committed]
        metadata = json.loads(wanted["metadata"] or "{}")
        artifact = same[0] if same else self._new_version(name, wanted["artifactTypeName"], digest, metadata)
        self._point(artifact, tuple(alias["alias"] for alias in wanted["aliases"] or ()))
        latest = {"latestArtifact": {"id": artifact.id} if same else None}
        state = "COMMITTED" if same else "PENDING"
        return {"createArtifact": {"artifact": {"id": artifact.id, "state": state, "artifactSequence": latest}}}

    def _create_artifact_manifest(self, variables: Variables) -> Answer:
        artifact = self._by_id(variables["artifactID"])
        artifact.manifest = f"manifests/{artifact.id}"
        file = {"id": artifact.id, "uploadUrl": self._storage(artifact.manifest), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": artifact.id, "file": file}}}

    def _create_artifact_files(self, variables: Variables) -> Answer:
        edges = []
        for file in variables["input"]["artifactFiles"]:
            key = f"files/{base64.b64decode(file['md5']).hex()}"
            node = {"storagePath": key, "uploadUrl": self._storage(key), "uploadHeaders": []}
            edges.append({"node": {**node, "uploadMultipartUrls": None, "artifact": {"id": file["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _commit_artifact(self, variables: Variables) -> Answer:
        artifact = self._by_id(variables["artifactID"])
        artifact.committed = True
        return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}

    def _artifact_by_id(self, variables: Variables) -> Answer:
        return {"artifact": self._artifact(self._by_id(variables["id"]))}

    def _membership_by_name(self, variables: Variables) -> Answer:
        artifact = self.find(variables["name"])
        return {"project": {"artifactCollectionMembership": self._membership(artifact) if artifact else None}}

    def _manifest(self, variables: Variables) -> Answer:
        location = self._storage(self._by_id(variables["id"]).manifest)
        return {"artifact": {"currentManifest": {"file": {"directUrl": location}}}}

    def _file_urls(self, variables: Variables) -> Answer:
        artifact = self.find(f"{variables['collection']}:{variables['alias']}")
        edges = []
        for name, entry in self.contents(artifact).items() if artifact else ():
            key = f"files/{base64.b64decode(entry['digest']).hex()}"
            edges.append({"node": {"__typename": "File", "name": name, "directUrl": self._storage(key)}})
        page = {"__typename": "PageInfo", "hasNextPage": False, "endCursor": None}
        membership = {"files": {"edges": edges, "pageInfo": page}}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": membership}
        return {"project": {"artifactCollection": collection}}

    def _artifact(self, artifact: Artifact) -> Answer:
        contents = self.contents(artifact)
        return {
            "__typename": "Artifact",
            "id": artifact.id,
            "artifactSequence": _collection(artifact),
            "versionIndex": artifact.version,
            "artifactType": {"name": artifact.type},
            "description": None,
            "metadata": json.dumps(artifact.metadata),
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "tags": [],
            "historyStep": None,
            "state": "COMMITTED",
            "size": sum(entry["size"] for entry in contents.values()),
            "digest": artifact.digest,
            "commitHash": artifact.digest[:8],
            "fileCount": len(contents),
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": None,
            "aliases": [{**alias, "artifactCollection": _collection(artifact)} for alias in _aliases(artifact)],
        }

    def _membership(self, artifact: Artifact) -> Answer:
        return {
            "__typename": "ArtifactCollectionMembership",
            "id": _id("Membership", artifact.id),
            "versionIndex": artifact.version,
            "createdAt": "2026-01-01T00:00:00Z",
            "aliases": _aliases(artifact),
            "artifactCollection": _collection(artifact),
            "artifact": self._artifact(artifact),
        }

    def _storage(self, key: str) -> str:
        return f"{self.url}/storage/{key}"

    def answer(self, operation: str, variables: Variables) -> Answer:
        """The response to one GraphQL operation."""
        method = _OPERATIONS.get(operation)
        if method is None:
            self.unknown_operations.append(operation)
            return {"errors": [{"message": f"the double does not know the operation {operation}"}]}
        return {"data": method(self, variables)}

    def stream(self, run: str, body: Answer) -> None:
        """Take in lines of a run's files, and its end."""
        for name, chunk in (body.get("files") or {}).items():
            lines = self.runs[run].lines.setdefault(name, {})
            lines.update(enumerate(chunk["content"], chunk["offset"]))
        if body.get("complete"):
            self.runs[run].exit_code = body["exitcode"]

    def wait_for_the_end(self) -> None:
        """Keep a request waiting until the server stops."""
        self._closing.wait()


_OPERATIONS: dict[str, Callable[[WandbServer, Variables], Answer]] = {
    "Viewer": WandbServer._viewer,
    "GetDefaultEntity": WandbServer._viewer,
    "ServerFeaturesQuery": WandbServer._server_features,
    "OrganizationCoreWeaveOrganizationID": WandbServer._organization,
    "UpsertBucket": WandbServer._upsert_bucket,
    "RunResumeStatus": WandbServer._resume_status,
    "CreateRunFiles": WandbServer._create_run_files,
    "ArtifactType": WandbServer._artifact_type,
    "CreateArtifact": WandbServer._create_artifact,
    "CreateArtifactManifest": WandbServer._create_artifact_manifest,
    "CreateArtifactFiles": WandbServer._create_artifact_files,
    "CommitArtifact": WandbServer._commit_artifact,
    "ArtifactByID": WandbServer._artifact_by_id,
    "ArtifactMembershipByName": WandbServer._membership_by_name,
    "FetchArtifactManifest": WandbServer._manifest,
    "GetArtifactMembershipFileUrls": WandbServer._file_urls,
}


def _id(kind: str, name: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{name}".encode()).decode().rstrip("=")


def _collection(artifact: Artifact) -> Answer:
    project = {"id": _id("Project", "p"), "internalId": "1", "name": "lessons", "entity": {"name": ENTITY}}
    return {"__typename": "ArtifactSequence", "name": artifact.name, "project": project}


def _aliases(artifact: Artifact) -> list[Answer]:
    return [{"__typename": "ArtifactAlias", "id": _id("Alias", alias), "alias": alias} for alias in artifact.aliases]


def _handler(server: WandbServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self._body() or b"{}")
            path = urlsplit(self.path).path
            if server.silent:
                server.wait_for_the_end()
                self.close_connection = True
            elif server.refuse_key:
                self._send(json.dumps({"errors": [{"message": "user is not logged in"}]}).encode(), 401)
            elif path == "/graphql":
                operation = re.search(r"(?:query|mutation)\s+(\w+)", body["query"])
                answer = server.answer(operation[1] if operation else "", body.get("variables") or {})
                self._send(json.dumps(answer).encode())
            else:
                if path.endswith("/file_stream"):
                    server.stream(path.split("/")[-2], body)
                self._send(b"{}")

        def do_PUT(self) -> None:
            server.stored[self.path.removeprefix("/storage/")] = self._body()
            self._send(b"")

        def do_GET(self) -> None:
            by_digest = re.search(r"/artifactsV2/.*/([0-9a-f]{32})/", self.path)
            key = f"files/{by_digest[1]}" if by_digest else self.path.removeprefix("/storage/")
            content = server.stored.get(key)
            if content is None:
                self._send(b"not found", 404)
            elif server.stall_downloads and key.startswith("files/"):
                server.wait_for_the_end()
                self.close_connection = True
            elif server.cut_downloads and key.startswith("files/"):
                self._send(content, cut=True)
            else:
                self._send(content)

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _send(self, content: bytes, status: int = 200, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = self.close_connection or cut

        def log_message(self, *arguments: object) -> None:
            """The tests look at what the server keeps, not at a log."""

    return Handler
