"""Text from outside as it is shown: bounded, visible, and writable to any stream."""

from __future__ import annotations

import json
import pickle

import pytest

from unembed.errors import FormatError, UnembedError, did_you_mean
from unembed.outside.text import quoted, shown
from unembed.strict_json import dumps
from unembed.visible import visible

HOSTILE = {
    "an escape code": "\x1b]0;owned\x07",
    "a C1 code": "\x9b31m",
    "a line": "a\nb",
    "a return": "a\rb",
    "a bidi override": "a\u202egnp.exe",
    "an isolate": "\u2066a",
    "no width": "a\u200bb\u2060",
    "a mark": "\ufeffa",
    "half a character": "\ud83d",
    "a byte of a path": "\udcff",
    "a filler": "\u3164",
    "a tag": "\U000e0041",
    "a separator": "a\u2028b",
    "NUL": "a\0b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_hidden_or_acting_is_left(text: str) -> None:
    for found in (visible(text), shown(text), quoted(text), str(UnembedError(f"x {text}"))):
        assert found.replace("\n", "").isprintable()
        assert "\u3164" not in found
        found.encode()
    assert "\\" in visible(text)
    written = dumps({"name": text})
    written.encode()
    assert json.loads(written) == {"name": text}


def test_text_that_is_seen_stays_as_it_is() -> None:
    text = "café 日本語 ∑ … 😀 '\"\\ [bold]"
    assert (visible(text), shown(text), str(FormatError(text))) == (text, text, text)
    assert dumps(text) == json.dumps(text, ensure_ascii=False)


def test_it_is_bounded() -> None:
    long = "x" * 10**6
    assert len(shown(long)) == 1_000
    assert len(quoted(long)) == 202
    error = FormatError(f"{long} is wrong. Do this.")
    assert len(str(error)) < 4_100
    assert str(error).endswith("is wrong. Do this.")
    assert len(str(FormatError("\x1b" * 3_000))) == 4_000  # an escape is four times as long
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert did_you_mean(long, [long]) == ""
    assert did_you_mean("mont", ["month", long]) == " Did you mean 'month'?"
