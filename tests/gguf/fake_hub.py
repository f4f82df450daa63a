"""A Hugging Face Hub of this machine: the few routes that huggingface_hub calls to make, upload and fetch a model."""

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """What the Hub holds, and what it was asked."""

    refuse: int = 0
    """Answer every request with this status."""
    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Repository -> path -> content."""
    private: dict[str, bool] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 -> content of large files that were sent and may not belong to a commit yet."""
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def environment(self, cache: Path, **changes: str) -> dict[str, str]:
        """Return the environment of a command that knows no other Hub."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"HF_ENDPOINT": self.url, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "secret"}
        return kept | own | {"HF_HUB_DISABLE_TELEMETRY": "1"} | changes


@contextmanager
def running_hub(**options: Any) -> Iterator[FakeHub]:
    """Yield a Hub that answers until the block ends."""
    hub = FakeHub(**options)

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the terminal quiet."""

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def _answer(self, method: str) -> None:
        body = self._body()
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{method} {path}")
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        if self.hub.refuse:
            self._send(self.hub.refuse, {"error": "you may not write here"})
            return
        for wanted, pattern, handle in _ROUTES:
            if method in wanted.split() and (found := re.fullmatch(pattern, path)):
                handle(self, body, *found.groups())
                return
        self._send(404, {"error": f"no route {method} {path}"}, {"X-Error-Code": "RepoNotFound"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def _send_bytes(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, {})
        self.hub.private.setdefault(name, asked.get("visibility") == "private")
        self._send(status, {"url": f"{self.hub.url}/{name}", "name": name})

    def validate(self, body: bytes) -> None:
        import yaml

        _, head, _ = json.loads(body)["content"].split("---\n", 2)
        valid = isinstance(yaml.safe_load(head), dict)
        self._send(200 if valid else 400, {"errors": [] if valid else [{"message": "no YAML"}], "warnings": []})

    def preupload(self, body: bytes, name: str) -> None:
        files = [
            {
                "path": f["path"],
                "uploadMode": "lfs" if f["path"].endswith(".gguf") else "regular",
                "shouldIgnore": False,
            }
            for f in json.loads(body)["files"]
        ]
        self._send(200, {"files": files})

    def batch(self, body: bytes, name: str) -> None:
        objects = [
            {**asked, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}"}}}
            for asked in json.loads(body)["objects"]
        ]
        self._send(200, {"transfer": "basic", "objects": objects})

    def store(self, body: bytes, oid: str) -> None:
        matches = hashlib.sha256(body).hexdigest() == oid
        self.hub.stored |= {oid: body} if matches else {}
        self._send(200 if matches else 400, {})

    def commit(self, body: bytes, name: str) -> None:
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                self.hub.repositories[name][value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                self.hub.repositories[name][value["path"]] = self.hub.stored[value["oid"]]
        self._send(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{REVISION}", "commitOid": REVISION})

    def info(self, body: bytes, name: str) -> None:
        if name not in self.hub.repositories:
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return
        self._send(200, {"id": name, "sha": REVISION, "private": False, "siblings": []})

    def tree(self, body: bytes, name: str) -> None:
        files = self.hub.repositories[name].items()
        self._send(200, [{"type": "file", "path": p, "size": len(c), "oid": _oid(c)} for p, c in files])

    def resolve(self, body: bytes, name: str, path: str) -> None:
        content = self.hub.repositories[name][path]
        self._send_bytes(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": REVISION})


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


_NAME = r"([\w.-]+/[\w.-]+)"
_ROUTES = (
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate),
    ("POST", rf"/api/models/{_NAME}/preupload/main", _Handler.preupload),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/lfs/(\w+)", _Handler.store),
    ("POST", rf"/api/models/{_NAME}/commit/main", _Handler.commit),
    ("GET", rf"/api/models/{_NAME}(?:/revision/main)?", _Handler.info),
    ("GET", rf"/api/models/{_NAME}/tree/{REVISION}", _Handler.tree),
    ("GET HEAD", rf"/{_NAME}/resolve/{REVISION}/(.+)", _Handler.resolve),
)
