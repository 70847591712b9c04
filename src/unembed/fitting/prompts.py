"""The prompts that a lens is fitted on: stretches of a text, all of the same number of tokens.

A text file is one document; a `.jsonl` file has one in each line, as a text or as a table with
`text`. Every document is cut into stretches that follow one another, what is left at its end is
left out, and of all stretches as many as are wanted are taken evenly, from the first on: so that
the whole of a file has its say, and the same file gives the same prompts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unembed.errors import FormatError, UnembedError
from unembed.outside import limits
from unembed.outside.documents import parse_json
from unembed.outside.lines import lines_in, read_text


def prompts_in(path: Path, tokenizer: Any, *, count: int, tokens: int) -> list[Tensor]:
    """Return prompts [tokens] cut out of a file's text.

    Each begins with what the tokenizer puts before any text (`<s>`), where it does.

    Args:
        path: of a text, or of documents in JSON lines.
        tokenizer: of `transformers`.
        count: how many are wanted.
        tokens: of each.

    Raises:
        FormatError: when the file cannot be read or is no such file.
        UnembedError: when its text is too short.
    """
    before = beginning(tokenizer)
    length = tokens - len(before)
    found: list[list[int]] = []
    longest = 0
    for document in documents_in(path):
        ids = tokenizer(document, add_special_tokens=False, verbose=False).input_ids
        longest = max(longest, len(ids))
        found += [ids[at : at + length] for at in range(0, len(ids) - length + 1, length)]
    if len(found) < count:
        raise UnembedError(
            f"{path} has text for {len(found):,} prompts of {tokens} tokens, not for {count:,} "
            f"(its longest document has {longest:,} tokens). Give more text, or ask for fewer "
            f"prompts (--prompts {max(len(found), 1)}) or shorter ones (--tokens)."
        )
    taken = (found[at * len(found) // count] for at in range(count))
    return [torch.tensor([*before, *each], device="cpu") for each in taken]


def beginning(tokenizer: Any) -> list[int]:
    """Return the tokens that a tokenizer puts before any text: a beginning of text, or none."""
    bos = tokenizer.bos_token_id
    return [bos] if bos is not None and tokenizer("a").input_ids[:1] == [bos] else []


def documents_in(path: Path) -> Iterator[str]:
    """Yield the documents of a file.

    Raises:
        FormatError: when it cannot be read, or a line is no document.
    """
    text = read_text(path, limits.CORPUS_BYTES)
    if path.suffix.lower() != ".jsonl":
        yield text
        return
    for number, line in enumerate(lines_in(text), start=1):
        if line.strip():
            yield _document(line, f"{path}, line {number}")


def _document(line: str, where: str) -> str:
    found = parse_json(line.encode(), where)
    if isinstance(found, dict):
        found = found.get("text")
    if not isinstance(found, str):
        raise FormatError(
            f'{where} is no document: each line is a text in quotes, or a table with "text".'
        )
    return found
