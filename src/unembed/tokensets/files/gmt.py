r"""GMT, the format in which biology keeps gene sets: name, description, members, with tabs.

Members are written as text, so that a file made with one tokenizer can be read with another:
a space as `␣`, other white space and the backslash as `\n`, `\t`, `\r`, `\\` or `\u00a0`. A token
that its text does not identify is written as its bytes, `\xe2\x80`: a part of a character, or
the byte tokens of Llama, which read as their letters do. Such members hold no white space, which
many readers of GMT strip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from unembed.errors import FormatError, TokenSetError
from unembed.outside.limits import GMT_BYTES, GMT_MEMBERS
from unembed.outside.lines import lines_in, read_text
from unembed.outside.text import shown
from unembed.tokensets.assemble import Draft
from unembed.tokensets.names import problem_of
from unembed.tokensets.token_sets import SetInfo, TokenSets
from unembed.vocabulary import Vocabulary

Members = Literal["text", "ids"]

SPACE = "␣"
_BY_NAME = {"\n": r"\n", "\t": r"\t", "\r": r"\r", "\\": r"\\", " ": SPACE}
_HIDDEN = re.compile(rf"[\s\\{SPACE}\x00-\x1f\x7f-\x9f]")

_FAMILY = re.compile(r"([^\s:]+):(?: (.*))?")


def write_gmt(sets: TokenSets, path: Path, members: Members = "text") -> None:
    """Write the sets, one a line, with `family: description` in the second column.

    Args:
        sets: the sets.
        path: the file, which is replaced.
        members: their text, or their decimal ids, for tools whose ranking is named by id.
    """
    names = _names(sets.vocabulary) if members == "text" else {}
    lines = []
    for info in sets.infos:
        described = f"{info.family}: {info.description}" if info.family else info.description
        fields = [info.name, " ".join(described.split()) or "na"]
        lines.append(
            "\t".join([*fields, *(names.get(i, str(i)) for i in sets[info.name].tolist())])
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read_gmt(path: Path, vocabulary: Vocabulary, members: Members = "text") -> Iterator[Draft]:
    """Yield the sets of a GMT file.

    Members that are no token of the vocabulary are left out and counted as missed.

    Raises:
        TokenSetError: naming the line that is no set, whose name is none, or that has more members
            than any vocabulary has tokens; for a file that is larger than all gene sets are.
    """
    try:
        text = read_text(path, GMT_BYTES)
    except FormatError as error:
        raise TokenSetError(str(error)) from error
    token_of = {name: token for token, name in _names(vocabulary).items()}
    if members == "ids":
        token_of = {str(token): token for token in token_of.values()}
    first_line: dict[str, int] = {}
    known: dict[str, str] = {}
    for number, line in enumerate(lines_in(text), start=1):
        if not line.strip():
            continue
        try:
            draft = _draft(line, token_of, known, path)
        except ValueError as error:
            raise TokenSetError(f"{shown(path)}, line {number}: {error}") from error
        name = draft.info.name
        if first_line.setdefault(name, number) != number:
            raise TokenSetError(
                f"{shown(path)}, line {number}: the set {name!r} stands in line {first_line[name]} "
                "too."
            )
        yield draft


def _draft(line: str, token_of: dict[str, int], known: dict[str, str], path: Path) -> Draft:
    """Return the set of a line.

    Args:
        line: of the file.
        token_of: what stands for each token.
        known: members that are no token, so that each is kept once however many lines have it.
        path: of the file.

    Raises:
        ValueError: when it is none, as a sentence.
    """
    fields = line.count("\t") + 1
    if fields < 3:
        raise ValueError(
            "expected a name, a description and members with tabs between them, found "
            f"{fields} fields."
        )
    if fields - 2 > GMT_MEMBERS:
        raise ValueError(
            f"the set has {fields - 2:,} members, and no vocabulary has many more tokens than "
            f"{GMT_MEMBERS:,}."
        )
    name, described, *members = line.split("\t")
    members = [member for member in members if member]
    written = {member: member if member in token_of else escape(member) for member in members}
    found = [token_of[each] for each in written.values() if each in token_of]
    missed = tuple(
        known.setdefault(member, member) for member, each in written.items() if each not in token_of
    )
    ours = _FAMILY.fullmatch(described)
    family, description = (ours[1], ours[2] or "") if ours else (path.stem, described)
    info = SetInfo(
        name,
        family,
        "" if description == "na" else description,
        path.name,
        f"{len(members):,} members of a GMT file",
        words=len(written),
        missed=len(missed),
    )
    problem = problem_of(info.name, info.family, info.description, info.source)
    if problem is not None:
        raise ValueError(problem)
    return Draft(info, np.unique(np.array(found, np.int32)), missed)


def _names(vocabulary: Vocabulary) -> dict[int, str]:
    r"""Return every unmasked token → what stands for it in a file."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for token in reversed(np.flatnonzero(~vocabulary.masked).tolist()):
        name = _in_bytes(vocabulary.token_bytes[token])
        if not vocabulary.partial_utf8[token]:
            text = escape(vocabulary.texts[token])
            name = name if text in taken else text
        names[token] = name if name not in taken else rf"\id{token}"
        taken.add(names[token])
    return names


def _in_bytes(raw: bytes) -> str:
    return "".join(rf"\x{byte:02x}" for byte in raw)


def escape(text: str) -> str:
    r"""Return text without white space, from which it can be told.

    >>> escape(" a"), escape("\n"), escape("\xa0")
    ('␣a', '\\n', '\\ua0;')
    """
    return _HIDDEN.sub(lambda found: _BY_NAME.get(found[0], rf"\u{ord(found[0]):x};"), text)
