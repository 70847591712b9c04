"""A Hugging Face hub on this machine: the HTTP that `huggingface_hub` speaks, and a log of it.

What it copies of the real one:

- `/api/models/{repo}/revision/{revision}`: the commit (`sha`) and the paths (`siblings`);
- `/api/models/{repo}/tree/{revision}`: every file with its size, as `snapshot_download` asks;
- `/api/spaces/{repo}/…`, and the files of a space below `/spaces/{repo}/`;
- `/{repo}/resolve/{commit}/{path}`: the file, with `ETag`, `X-Repo-Commit`, byte ranges (206);
- weights (whatever lies in Git LFS) are answered with a redirect to another host (the CDN, here
  a second server), which must be asked without the login;
- `POST /api/repos/create`, `/api/{kind}/{repo}/preupload|commit|branch/…`, and Git LFS's batch
  (basic transfers), as `create_repo` and `create_commit` ask them, with a login;
- an old bare name is redirected to its `org/name`;
- what is not there, or not allowed, is said in `X-Error-Code`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from huggingface_hub import constants

_API = re.compile(
    r"/api/(?:models/)?(?P<repo>(?:spaces/)?.+?)/(?P<ask>revision|tree)/(?P<revision>[^/]+)"
)
_RESOLVE = re.compile(r"/(?P<repo>.+?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_CDN = re.compile(r"/cdn/(?P<repo>.+?)@(?P<revision>[^/]+)/(?P<path>.+)")
_WRITE = re.compile(
    r"/api/(?P<repo>(?:datasets|spaces|models)/.+?/.+?)/(?P<ask>preupload|commit|branch)/(?P<revision>[^/]+)"
)
_LFS = re.compile(r"/(?P<repo>.+?)\.git/info/lfs/objects/batch")
_OBJECT = re.compile(r"/lfs/(?P<oid>[0-9a-f]{64})")
_WEIGHTS = (".safetensors", ".npz", ".npy", ".pt", ".pth", ".bin", ":v1", ".parquet")
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@lru_cache(maxsize=16)
def _sha256(content: bytes) -> str:
    """The digest of a file, which is large in benchmarks and asked for with each request."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Request:
    """One request, and what was sent in answer to it.

    Attributes:
        host: `hub` or `cdn`.
        path: of the file in its repository, or as `url`.
        url: the whole path, unquoted.
        first, stop: the bytes of the file that were sent, as a half-open range.
    """

    host: str
    method: str
    path: str
    url: str
    headers: dict[str, str]
    status: int = 0
    repo: str = ""
    first: int = 0
    stop: int = 0


@dataclass
class Faults:
    """What goes wrong.

    Attributes:
        ignores_ranges: weights are sent whole, with status 200.
        compresses: weights are sent whole and gzipped to a client that takes gzip.
        refuses_after: so many objects of Git LFS are taken, and no others.
        damages: weights are sent with one bit flipped, so many times more.
        breaks_after: the next answer of weights that is longer ends after so many bytes.
        stalls: no byte of weights follows the answer's head while this event is not set.
        expires: the next request for weights is refused, as its address has grown too old.
        api_status: every API call is answered with this status.
        api_page: every API call is answered with this page, as a hotel's network does.
    """

    ignores_ranges: bool = False
    compresses: bool = False
    breaks_after: int | None = None
    stalls: threading.Event | None = None
    expires: bool = False
    refuses_after: int | None = None
    damages: int = 0
    api_status: int | None = None
    api_page: bytes | None = None


@dataclass
class FakeHub:
    """The hub and its CDN. A context manager; `stop` takes both off the network.

    Attributes:
        repos: repository (a space is `spaces/org/name`) → commit → path → content.
        names: repository → revision (branch or tag) → commit.
        renamed: old name → repository.
        gated: repositories whose files need a login; their listing does not.
        log: every request, oldest first.
        objects: what was sent to Git LFS, by its SHA-256.
        private: whether each repository that was made is private.
        read_only: repositories that no login may write to.
    """

    repos: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)
    log: list[Request] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    private: dict[str, bool | None] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)

    def __enter__(self) -> FakeHub:
        self._hub, self._cdn = _Server(self, "hub"), _Server(self, "cdn")
        self.endpoint, self.cdn = self._hub.url, self._cdn.url
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._hub.stop()
        self._cdn.stop()

    def put(self, repo: str, files: dict[str, bytes], revision: str = "main") -> str:
        """Commit files as a revision's only content, and return the commit."""
        hashes = [(path, hashlib.sha1(files[path]).hexdigest()) for path in sorted(files)]
        commit = hashlib.sha1(repr((repo, hashes)).encode()).hexdigest()
        self.repos.setdefault(repo, {})[commit] = files
        self.names.setdefault(repo, {})[revision] = commit
        return commit

    def commit(self, repo: str, revision: str) -> str | None:
        named = self.names[repo].get(revision, revision)
        return named if named in self.repos[repo] else None

    def weights_sent(self, path: str = "") -> list[tuple[int, int]]:
        """The byte ranges sent of weights whose path ends so."""
        return [
            (request.first, request.stop)
            for request in self.log
            if request.path.endswith(path or ".safetensors") and request.stop > request.first
        ]

    def bytes_sent(self) -> int:
        return sum(request.stop - request.first for request in self.log)


class _Server:
    """One HTTP server with its thread."""

    def __init__(self, hub: FakeHub, host: str) -> None:
        handler = type("Handler", (_Handler,), {"hub": hub, "host": host, "open": set()})
        self._open: set[socket.socket] = handler.open  # type: ignore[attr-defined]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False  # stop() waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):  # kept alive by the client
            with suppress(OSError):  # the client may have closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """The answers of hub and CDN."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for the client's ACK
    hub: FakeHub
    host: str
    open: set[socket.socket]

    def setup(self) -> None:
        super().setup()
        self.open.add(self.connection)

    def finish(self) -> None:
        self.open.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the client has what it wants

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.logged = Request(self.host, self.command, path, unquote(path), headers)
        self.hub.log.append(self.logged)
        if self.host == "cdn":
            found = _CDN.fullmatch(path)
            assert found
            self._weights(found)
        elif found := _API.fullmatch(path) or _RESOLVE.fullmatch(path):
            self._hub(found)
        else:
            self._error(404, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.logged = Request(self.host, self.command, path, unquote(path), headers)
        self.hub.log.append(self.logged)
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "authorization" not in headers:
            self._error(401, "")
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := _LFS.fullmatch(path):
            self._batch(json.loads(body))
        elif found := _WRITE.fullmatch(path):
            self._write(found, body)
        else:
            self._error(404, "")

    def do_PUT(self) -> None:
        found = _OBJECT.fullmatch(self.path)
        assert found
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.log.append(Request(self.host, "PUT", self.path, self.path, {}, stop=len(content)))
        assert _sha256(content) == found["oid"]
        self.logged = self.hub.log[-1]
        faults = self.hub.faults
        if faults.refuses_after is not None and len(self.hub.objects) >= faults.refuses_after:
            self._error(403, "")
            return
        self.hub.objects[found["oid"]] = content
        self._send(200, b"", {})

    def _create(self, asked: dict[str, Any]) -> None:
        repo = f"{asked['organization']}/{asked['name']}"
        repo = f"{asked['type']}s/{repo}" if asked["type"] != "model" else repo
        if repo in self.hub.read_only:
            self._error(403, "")
        elif repo in self.hub.repos:
            said = json.dumps({"url": f"{self.hub.endpoint}/{repo}"}).encode()
            self._send(409, said, {"X-Error-Message": "You already created this repo"})
        else:
            self.hub.put(repo, {".gitattributes": b""})
            private = asked.get("private")
            self.hub.private[repo] = asked.get("visibility") == "private" or private
            self._json({"url": f"{self.hub.endpoint}/{repo}", "name": repo})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = [
            each | ({} if each["oid"] in self.hub.objects else {"actions": {
                "upload": {"href": f"{self.hub.endpoint}/lfs/{each['oid']}", "header": {}}}})
            for each in asked["objects"]
        ]  # fmt: skip
        self._json({"transfer": "basic", "objects": objects})

    def _write(self, found: re.Match[str], body: bytes) -> None:
        repo, revision = found["repo"].removeprefix("models/"), unquote(found["revision"])
        if repo not in self.hub.repos:
            self._error(404, "RepoNotFound")
            return
        if found["ask"] == "branch":
            self.hub.names[repo].setdefault(revision, self.hub.names[repo]["main"])
            self._json({})
            return
        commit = self.hub.commit(repo, revision)
        if commit is None:
            self._error(404, "RevisionNotFound")
        elif found["ask"] == "preupload":
            old = self.hub.repos[repo][commit]
            self._json({"files": [self._mode(each, old) for each in json.loads(body)["files"]]})
        else:
            self._commit(repo, revision, dict(self.hub.repos[repo][commit]), body)

    @staticmethod
    def _mode(asked: dict[str, Any], old: dict[str, bytes]) -> dict[str, Any]:
        path = asked["path"]
        large = path.endswith(_WEIGHTS)
        said = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if path in old and large:
            said["oid"] = _sha256(old[path])
        return said

    def _commit(self, repo: str, revision: str, files: dict[str, bytes], body: bytes) -> None:
        for line in body.splitlines():
            each = json.loads(line)
            key, value = each["key"], each["value"]
            if key == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        commit = self.hub.put(repo, files, revision)
        url = f"{self.hub.endpoint}/{repo}/commit/{commit}"
        self._json({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _hub(self, found: re.Match[str]) -> None:
        repo = found["repo"]
        if repo in self.hub.renamed:
            self._redirect(307, self.path.replace(repo, self.hub.renamed[repo], 1))
            return
        if repo not in self.hub.repos:
            self._error(404, "RepoNotFound")
            return
        commit = self.hub.commit(repo, unquote(found["revision"]))
        if commit is None:
            self._error(404, "RevisionNotFound")
        elif found.re is _API:
            self._listing(repo, commit, found["ask"] == "tree")
        else:
            self._resolve(repo, commit, unquote(found["path"]))

    def _listing(self, repo: str, commit: str, tree: bool) -> None:
        faults = self.hub.faults
        if faults.api_status:
            self._error(faults.api_status, "")
        elif faults.api_page:
            self._send(200, faults.api_page, {"Content-Type": "text/html"})
        elif tree:
            files = [
                {"type": "file", "path": path, "size": len(content), "oid": "0"}
                for path, content in sorted(self.hub.repos[repo][commit].items())
            ]
            self._send(200, json.dumps(files).encode(), {"Content-Type": "application/json"})
        else:
            siblings = [{"rfilename": path} for path in sorted(self.hub.repos[repo][commit])]
            name = repo.removeprefix("spaces/").removeprefix("datasets/")  # as the API calls it
            answer = {"_id": "0", "id": name, "sha": commit, "siblings": siblings}
            self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _resolve(self, repo: str, commit: str, path: str) -> None:
        self.logged.repo, self.logged.path = repo, path
        content = self.hub.repos[repo][commit].get(path)
        if repo in self.hub.gated and "authorization" not in self.logged.headers:
            self._error(403, "GatedRepo")
        elif content is None:
            self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
        elif path.endswith(_WEIGHTS):
            linked = {
                "X-Repo-Commit": commit,
                "X-Linked-Size": str(len(content)),
                "X-Linked-Etag": f'"{_sha256(content)}"',
            }
            self._redirect(302, f"{self.hub.cdn}/cdn/{repo}@{commit}/{quote(path)}", linked)
        else:
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            self._file(content, {"ETag": etag, "X-Repo-Commit": commit})

    def _weights(self, found: re.Match[str]) -> None:
        self.logged.repo, self.logged.path = found["repo"], unquote(found["path"])
        content = self.hub.repos[found["repo"]][found["revision"]][self.logged.path]
        faults = self.hub.faults
        if faults.expires:
            faults.expires = False
            self._error(403, "")
        elif faults.compresses and "gzip" in self.logged.headers.get("accept-encoding", ""):
            self._send(200, gzip.compress(content, 1), {"Content-Encoding": "gzip"})
        elif faults.damages:
            faults.damages -= 1
            self._file(bytes([content[0] ^ 1]) + content[1:], {})
        elif faults.ignores_ranges:
            self._send(200, content, {})
        else:
            self._file(content, {"ETag": f'"{_sha256(content)}"'})

    def _file(self, content: bytes, headers: dict[str, str]) -> None:
        headers = {**headers, "Accept-Ranges": "bytes"}
        wanted = _RANGE.fullmatch(self.logged.headers.get("range", ""))
        if wanted is None:
            self._send(200, content, headers)
            return
        first, last = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
        if first > last:
            self._send(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
            return
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._send(206, content[first : last + 1], headers, first)

    def _redirect(self, status: int, to: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, b"", {**(headers or {}), "Location": to})

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        coded = {"X-Error-Code": code, "X-Error-Message": code or "Out of order"}
        self._send(status, b"", {**(headers or {}), **coded})

    def _send(self, status: int, content: bytes, headers: dict[str, str], first: int = 0) -> None:
        self.logged.status = status
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.host == "cdn" and self.hub.faults.stalls:
            self.hub.faults.stalls.wait()
        part = content[: self._breaks_after(len(content))]
        self.logged.first, self.logged.stop = first, first + len(part)
        self.wfile.write(part)
        if len(part) < len(content):
            self.close_connection = True

    def _breaks_after(self, length: int) -> int:
        faults = self.hub.faults
        if self.host == "hub" or faults.breaks_after is None or faults.breaks_after >= length:
            return length
        after, faults.breaks_after = faults.breaks_after, None
        return after


def point_at(endpoint: str, cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Point huggingface_hub, which read its environment when it was imported, at a hub.

    Its cache, its login and unembed's cache lie in the folder `cache` then.
    """
    settings = {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache / "hf" / "hub"),
        "HF_TOKEN_PATH": str(cache / "hf" / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_HUB_DISABLE_PROGRESS_BARS": True,
    }
    for name, value in settings.items():
        patch.setattr(constants, name, value)
    patch.setenv("UNEMBED_CACHE", str(cache / "unembed"))
    patch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        patch.delenv(name, raising=False)
