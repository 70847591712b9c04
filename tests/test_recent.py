"""What was made lately: made once, kept up to a limit, and nobody waits for another's."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from unembed.recent import Recent


def test_the_least_recently_used_goes_first() -> None:
    kept = Recent[str, bytes](10, len)
    for name in ("a", "b"):
        kept.get(name, lambda: b"12345")
    assert kept.known("a") == b"12345"
    kept.get("c", lambda: b"1")
    assert (kept.known("a"), kept.known("b"), kept.bytes) == (b"12345", None, 6)


def test_what_is_too_large_is_given_and_not_kept() -> None:
    kept = Recent[str, bytes](10, len)
    kept.get("a", lambda: b"1")
    assert kept.get("large", lambda: b"x" * 11) == b"x" * 11
    assert (kept.known("large"), kept.known("a")) == (None, b"1")


def test_a_value_put_takes_the_place_of_the_old() -> None:
    kept = Recent[str, bytes](10, len)
    kept.put("a", b"12345")
    kept.put("a", b"1")
    assert (kept.known("a"), kept.bytes) == (b"1", 1)


def test_it_is_made_once_and_others_do_not_wait() -> None:
    kept, begun, go, made = Recent[str, int](), Event(), Event(), []

    def slow() -> int:
        begun.set()
        assert go.wait(10)
        made.append(1)
        return 1

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.get, "slow", slow)
        assert begun.wait(10)
        second = pool.submit(kept.get, "slow", slow)
        assert pool.submit(kept.get, "other", lambda: 2).result(10) == 2
        assert not second.done()
        go.set()
        assert (first.result(10), second.result(10), made) == (1, 1, [1])


def test_who_waits_gets_the_error_too_and_it_is_not_kept() -> None:
    kept, begun = Recent[str, int](), Event()

    def fails() -> int:
        begun.set()
        time.sleep(0.05)
        raise OSError("no disk")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, "a", fails)
        begun.wait(10)
        second = pool.submit(kept.get, "a", lambda: 1)
        for each in (first, second):
            with pytest.raises(OSError, match="no disk"):
                each.result(10)
    assert kept.get("a", lambda: 1) == 1
