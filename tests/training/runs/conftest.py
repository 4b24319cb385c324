"""A hub on loopback that keeps repositories in memory: as much of the HTTP interface as push and pull use."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TOKEN = "hf_of_the_test"
COMMIT = "c0ffee" + "0" * 34


class Hub(ThreadingHTTPServer):
    """`files`: repository -> path -> content. `token`: what an upload must carry."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token = token
        self.files: dict[str, dict[str, bytes]] = {}
        self.refused: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments) -> None:
        """Quiet."""

    def answer(self, content, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str) -> None:
        self.server.refused.append(self.path)
        self.answer({"error": code}, status, {"X-Error-Code": code, "X-Error-Message": code})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self.refuse(401, "Unauthorized")
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            known = name in self.server.files
            self.server.files.setdefault(name, {})
            return self.answer({"url": f"{self.server.address}/{name}", "name": name}, 409 if known else 200)
        if found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            wanted = json.loads(body)["files"]
            return self.answer({"files": [f | {"uploadMode": "regular", "shouldIgnore": False} for f in wanted]})
        if found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    self.server.files[found[1]][value["path"]] = base64.b64decode(value["content"])
            return self.answer({"commitUrl": f"{self.server.address}/{found[1]}/commit/{COMMIT}", "commitOid": COMMIT})
        return self.answer({}, 200)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if found := re.fullmatch(r"/api/models/(.+)/tree/\w+", path):
            held = self.server.files.get(found[1], {})
            return self.answer([{"type": "file", "path": p, "size": len(c), "oid": oid(c)} for p, c in held.items()])
        if found := re.fullmatch(r"/api/models/(.+?)(/revision/\w+)?", path):
            return self.describe(found[1])
        if found := re.fullmatch(r"/(.+?)/resolve/\w+/(.+)", path):
            content = self.server.files.get(found[1], {}).get(found[2])
            if content is None:
                return self.refuse(404, "EntryNotFound")
            return self.answer(content, headers={"ETag": f'"{oid(content)}"', "X-Repo-Commit": COMMIT})
        return self.refuse(404, "RepoNotFound")

    def describe(self, repository: str) -> None:
        held = self.server.files.get(repository)
        if held is None:
            return self.refuse(404, "RepoNotFound")
        siblings = [{"rfilename": path} for path in held]
        self.answer({"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings, "private": False})


def oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    """A hub that the library takes for its own."""
    constants = pytest.importorskip("huggingface_hub.constants", reason="xview-training[hub] is not installed")
    with Hub(TOKEN) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        template = f"{served.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield served
