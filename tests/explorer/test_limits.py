"""The explorer's server under readers who are slow, many, or want what there is not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.planted import Planted
from unembed.explorer import app as app_module
from unembed.explorer import connection, limits
from unembed.explorer.app import create_app
from unembed.explorer.server import Background

LATE, UNREAD, MOST = 0.4, 0.3, 5
HOST = b"Host: 127.0.0.1\r\n"
WHOLE = b"GET /api/run.json HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(scope="module")
def port(tiny: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a real server, whose patience is short."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>page</title>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_module, "page_folder", lambda: folder)
        patch.setattr(connection, "HEAD_SECONDS", LATE)
        patch.setattr(connection, "UNREAD_SECONDS", UNREAD)
        patch.setattr(connection, "CONNECTIONS", MOST)
        explorer = Background(tiny.run, port=0)
        try:
            yield int(explorer.address.rstrip("/").rpartition(":")[2])
        finally:
            explorer.stop()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def asked(port: int, request: bytes) -> bytes:
    """What is answered until the connection ends, or pauses."""
    with connected(port) as reader:
        reader.sendall(request)
        return reader.recv(2**16)


def answered(reader: socket.socket, request: bytes) -> bytes:
    """The answer to a request for JSON, whole."""
    reader.sendall(request)
    body = b""
    while not body.endswith(b"}"):
        body += reader.recv(2**16)
    return body


def ended_after(reader: socket.socket) -> float:
    begin = time.monotonic()
    try:
        while reader.recv(2**16):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - begin


@pytest.mark.parametrize("sent", [b"", b"GET /api/run.json HTTP/1.1\r\nHos", b"\r\n"])
def test_half_a_request_does_not_hold_a_connection(port: int, sent: bytes) -> None:
    with connected(port) as reader:
        reader.sendall(sent)
        assert ended_after(reader) < 10


def test_nor_does_half_of_a_further_one(port: int) -> None:
    with connected(port) as reader:
        assert answered(reader, WHOLE).startswith(b"HTTP/1.1 200")
        reader.sendall(b"GET /api/")
        assert ended_after(reader) < 10


def test_nor_one_that_comes_byte_by_byte(port: int) -> None:
    with connected(port) as reader, pytest.raises(ConnectionError):  # noqa: PT012
        for _ in range(200):
            reader.sendall(b"G")
            time.sleep(0.05)


def test_a_whole_request_is_answered_after_a_wait(port: int) -> None:
    with connected(port) as reader:
        reader.sendall(WHOLE[:20])
        time.sleep(LATE / 4)
        assert answered(reader, WHOLE[20:]).startswith(b"HTTP/1.1 200")
        time.sleep(2 * LATE)  # that it looks at what it got is no half request
        assert answered(reader, WHOLE).startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_reads_is_given_up(port: int) -> None:
    question = b"GET /api/tokens.json HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.settimeout(20)
        reader.connect(("127.0.0.1", port))
        reader.sendall(2000 * question)
        time.sleep(8 * UNREAD)
        received = 0
        with pytest.raises(ConnectionError):  # noqa: PT012
            while part := reader.recv(2**16):
                received += len(part)
            raise ConnectionError
    assert received < 2000 * 20_000


def test_there_are_only_so_many_connections(port: int) -> None:
    readers = [connected(port) for _ in range(MOST)]
    try:
        time.sleep(0.1)
        with connected(port) as another:
            assert ended_after(another) < LATE / 2
    finally:
        for reader in readers:
            reader.close()
    time.sleep(0.1)
    assert asked(port, WHOLE).startswith(b"HTTP/1.1 200")


def test_answers_do_not_wait_for_an_acknowledgment(port: int) -> None:
    """A socket that gathers small parts makes each answer's body wait 40 ms for the other side."""
    times = []
    with connected(port) as reader:
        for _ in range(9):
            begin = time.perf_counter()
            answered(reader, WHOLE)
            times.append(time.perf_counter() - begin)
    assert min(times) < 0.03


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /api/" + b"a" * limits.PATH_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"414"),
        (b"GET /?" + b"a" * limits.PATH_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + HOST + 2000 * b"X: 12345678\r\n" + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 300_000, b"400"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000000000\r\n\r\nx", b"413"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n", b"413"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", b"405"),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", b"405"),
        (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", b"405"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"400"),
        (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", b"400"),
    ],
)
def test_what_is_refused_at_once(port: int, request_: bytes, status: bytes) -> None:
    with connected(port) as reader:
        try:
            reader.sendall(request_)
        except ConnectionError:
            return
        assert reader.recv(2**16).split()[1] == status


def test_a_question_may_be_asked_without_its_answer(tiny: Planted) -> None:
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    whole, head = client.get("/api/run.json"), client.head("/api/run.json")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


def test_a_kept_answer_is_kept_from_strangers_too(tiny: Planted) -> None:
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    for _ in range(2):
        assert client.get("/api/run.json").status_code == 200
        assert client.get("/api/run.json", headers={"Host": "evil.example"}).status_code == 400
        other = client.get("/api/run.json", headers={"Sec-Fetch-Site": "cross-site"})
        assert other.status_code == 403


def test_only_this_machine_may_frame_the_page(tiny: Planted) -> None:
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    for path in ("/", "/api/run.json", "/api/nothing", "/nothing"):
        said = client.get(path).headers["content-security-policy"]
        (ancestors,) = [part for part in said.split("; ") if part.startswith("frame-ancestors")]
        hosts = {source.partition("://")[2].partition(":")[0] for source in ancestors.split()[2:]}
        assert hosts == {"localhost", "127.0.0.1", ""}
        assert "*" not in ancestors.replace(":*", "")
    asked = client.get("/api/run.json", headers={"Origin": "http://localhost:3000"})
    assert not [name for name in asked.headers if name.startswith("access-control")]
