"""Write the page of the documents that lists every default token set, from the definitions.

    python scripts/document_sets.py

Sizes and examples are of GPT-2's vocabulary (`python scripts/fetch_inputs.py`).
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from unembed.load import load_vocabulary
from unembed.outside.text import quoted
from unembed.terminal.token_sets import examples
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets.token_sets import SetInfo

ROOT = Path(__file__).parents[1]
GPT2 = ROOT / ".inputs" / "gpt2"
PAGE = ROOT / "docs" / "token-set-library.md"
_GENERATED = ("forms/", "characters/", "affixes/continuations")
_N_EXAMPLES = 6
_N_GENERATED = 12

_HEAD = """# The token set library

Every set of the collection `default`, with its size and some of its tokens on GPT-2's vocabulary
(50,256 unmasked tokens). Written by `python scripts/document_sets.py`. How sets are defined, and
how to add your own, is in [token sets](token-sets.md); for another vocabulary,
`unembed sets list --tokenizer PATH` and `unembed sets show NAME --tokenizer PATH` say the same.

"""


def page(sets: TokenSets) -> str:
    """Return the page, in Markdown."""
    families: dict[str, list[tuple[SetInfo, int]]] = {}
    for info, size in zip(sets.infos, sets.sizes.tolist(), strict=True):
        families.setdefault(info.family, []).append((info, size))
    curated = [n for family, n in _counts(families) if not family.startswith(_GENERATED)]
    generated = [n for family, n in _counts(families) if family.startswith(_GENERATED)]
    head = (
        f"{sum(curated):,} curated sets, and {sum(generated):,} that the vocabulary makes of "
        f"itself, with {len(sets.ids):,} memberships in all.\n\n"
    )
    body = "\n".join(line for family in families for line in _family(sets, family, families))
    aside = "\n".join(_set_aside(sets))
    return f"{_HEAD}{head}{body}\n{aside}\n"


def _counts(families: dict[str, list[tuple[SetInfo, int]]]) -> Iterator[tuple[str, int]]:
    for family, rows in families.items():
        yield family, len(rows)


def _family(
    sets: TokenSets, family: str, families: dict[str, list[tuple[SetInfo, int]]]
) -> Iterator[str]:
    rows = families[family]
    sources = " · ".join(dict.fromkeys(info.source for info, _ in rows))
    yield f"## {family}\n"
    yield f"{len(rows):,} sets. Source: {sources}.\n"
    if family.startswith(_GENERATED):
        step = max(1, len(rows) // _N_GENERATED)
        rows = rows[: _N_GENERATED * step : step]
        yield "Some of them:\n"
    yield "| set | tokens | what | such as |\n|---|---|---|---|"
    for info, size in rows:
        also = f" Also: {_code(', '.join(info.aliases))}." if info.aliases else ""
        shown = _code(" ".join(map(quoted, examples(sets, info.name, _N_EXAMPLES))))
        yield f"| {_code(info.name)} | {size:,} | {_plain(info.description)}{also} | {shown} |"
    yield ""


def _set_aside(sets: TokenSets) -> Iterator[str]:
    yield "## Set aside\n"
    yield (
        "Defined, but with fewer than three tokens in this vocabulary (other vocabularies have "
        "more), with nearly all of them, with hardly a token that another set lacks, or of a "
        "language that this vocabulary hardly knows:\n"
    )
    yield ", ".join(f"{_code(each.name)} ({each.size:,})" for each in sets.set_aside) + "."


def _plain(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;")


def _code(text: str) -> str:
    """Return text as code; where it has marks that would end a code span or a cell, as HTML."""
    if not set("`|\\") & set(text):
        return f"`{text}`"
    escaped = html.escape(text, quote=False)
    for mark in "|`*_\\[]":
        escaped = escaped.replace(mark, f"&#{ord(mark)};")
    return f"<code>{escaped}</code>"


if __name__ == "__main__":
    PAGE.write_text(page(build_token_sets(load_vocabulary(GPT2))), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {PAGE.stat().st_size:,} bytes")
