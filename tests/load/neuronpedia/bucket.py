"""A bucket of exports of the true layout, on this machine, and the lines in its files.

Files are written as Neuronpedia's export script does: features and explanations sorted by the index
as text, activations of so many consecutive indices a file, all packed; `listing` is S3's
ListObjectsV2, a page at a time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SOURCE = "tiny/3-a"
PAGE = 3
"""Keys in a page of the list: so few that there are several."""


def feature(index: int, /, **fields: Any) -> dict[str, Any]:
    """A line of `features/`, with the fields that a real one has beside those that are read."""
    model, _, layer = SOURCE.partition("/")
    return {
        "modelId": model, "layer": layer, "index": str(index), "maxActApprox": 2.5 + index,
        "creatorId": None, "frac_nonzero": 0.001 * (index % 10), "vector": [], "hasVector": False,
        "freq_hist_data_bar_heights": [1, 2], "pos_str": ["a"], "pos_values": [1.0],
        **fields,
    }  # fmt: skip


def explanation(index: int, description: str, /, **fields: Any) -> dict[str, Any]:
    model, _, layer = SOURCE.partition("/")
    return {
        "id": f"c{index}", "modelId": model, "layer": layer, "index": str(index),
        "description": description, "embedding": "[0.25, -1]", "typeName": "oai_token-act-pair",
        "explanationModelName": "gpt-4o-mini", "umap_x": 0, **fields,
    }  # fmt: skip


def activation(index: int, tokens: Sequence[str], values: Sequence[float]) -> dict[str, Any]:
    model, _, layer = SOURCE.partition("/")
    return {
        "id": f"a{index}", "modelId": model, "layer": layer, "index": str(index),
        "tokens": list(tokens), "values": list(values), "maxValue": max(values),
        "minValue": min(values), "maxValueTokenIndex": list(values).index(max(values)),
        "dfaValues": [], "dfaMaxValue": None, "dfaTargetIndex": None,
        "binMin": -1, "binMax": 9, "binContains": -1,
    }  # fmt: skip


def packed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode(), mtime=0)


def exported(
    indices: Sequence[int],
    *,
    each: int = 4,
    said: Mapping[int, str] | None = None,
    prefix: str = f"v1/{SOURCE}",
) -> dict[str, bytes]:
    """Return the files of an export by key."""
    by_text = sorted(indices, key=str)
    files = {}
    for at, first in enumerate(range(0, len(indices), each)):
        part = by_text[first : first + each]
        files[f"{prefix}/features/batch-{at}.jsonl.gz"] = packed([feature(i) for i in part])
        files[f"{prefix}/explanations/batch-{at}.jsonl.gz"] = packed(
            [explanation(i, (said or {}).get(i, f"things of {i}")) for i in part]
        )
    for at, first in enumerate(range(0, max(indices) + 1, 1024)):
        inside = [i for i in indices if first <= i < first + 1024]
        files[f"{prefix}/activations/batch-{at}.jsonl.gz"] = packed(
            [
                activation(i, ["<", " one", f" {i}", ">"], [0, 0.5, 1.0 + text, 0])
                for i in inside
                for text in range(7)
            ]
        )
    files[f"{prefix}/source.jsonl"] = b"{}\n"
    return files


class Bucket:
    """A server of files.

    Attributes:
        files: by key.
        asked: methods and targets of all requests, with the range that was asked for.
        lists: whether it gives a list.
        busy: answers that come before what was asked for: status and headers.
        short: keys of which only half is sent, once each.
    """

    def __init__(self, files: dict[str, bytes], *, lists: bool = True) -> None:
        self.files, self.lists = files, lists
        self.asked: list[tuple[str, str, str | None]] = []
        self.busy: list[tuple[int, dict[str, str]]] = []
        self.short: set[str] = set()
        self.base = ""

    @property
    def paths(self) -> list[str]:
        """What files were asked for, without lists."""
        return [path for _, path, _ in self.asked if "list-type" not in path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append((handler.command, handler.path, wanted))
        if self.busy:
            status, headers = self.busy.pop(0)
            return self._send(handler, status, b"busy", headers)
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        if "list-type" in query:
            return self._list(handler, query)
        key = unquote(parts.path.lstrip("/"))
        if key not in self.files:
            return self._send(handler, 404, b"<Error><Code>NoSuchKey</Code></Error>")
        whole = self.files[key]
        tag = f'"{hashlib.md5(whole).hexdigest()}"'
        if wanted and handler.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            return self._send(handler, 206, whole[start:], {"ETag": tag})
        if key in self.short:
            self.short.remove(key)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(whole)))
            handler.end_headers()
            handler.wfile.write(whole[: len(whole) // 2])
            handler.close_connection = True
            return None
        return self._send(handler, 200, whole, {"ETag": tag})

    def _list(self, handler: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> None:
        if not self.lists:
            return self._send(handler, 403, b"<Error><Code>AccessDenied</Code></Error>")
        keys = sorted(key for key in self.files if key.startswith(query["prefix"][0]))
        start = int(query.get("continuation-token", ["0"])[0])
        page, more = keys[start : start + PAGE], start + PAGE < len(keys)
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>&quot;"
            f"{hashlib.md5(self.files[key]).hexdigest()}&quot;</ETag>"
            f"<Size>{len(self.files[key])}</Size></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
        text = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
        )
        return self._send(handler, 200, text.encode())

    def _send(
        self, handler: BaseHTTPRequestHandler, status: int, body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


@contextmanager
def served(bucket: Bucket) -> Iterator[Bucket]:
    """Serve a bucket; its `base` is what `v1` is below."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bucket.answer(self)

        def do_HEAD(self) -> None:
            bucket.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bucket.base = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
