"""What a file of one's own token sets comes to, set by set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unembed.tokensets.assemble import assemble
from unembed.tokensets.build import build_token_sets, drafts_of_file
from unembed.tokensets.reading import Reading
from unembed.vocabulary import Vocabulary


@dataclass(frozen=True)
class Checked:
    """One set of a file.

    Attributes:
        name: its name.
        family: its family.
        size: how many tokens of the vocabulary it holds.
        words: entries of its word list, None for other definitions.
        missed: those of them that are no single token.
        set_aside: why it would not be tested, None if it would.
        same_as: built-in sets that hold exactly the same tokens.
    """

    name: str
    family: str
    size: int
    words: int | None
    missed: list[str]
    set_aside: str | None
    same_as: list[str]


def check_file(path: Path, vocabulary: Vocabulary) -> list[Checked]:
    """Return what each set of a file holds, in its order.

    Raises:
        TokenSetError: when the file is wrong, with the line.
    """
    drafts = list(drafts_of_file(path, Reading(vocabulary)))
    aside = {each.name: each.reason for each in assemble(drafts, vocabulary).set_aside}
    built_in = build_token_sets(vocabulary)
    twins = {built_in[info.name].tobytes(): info for info in built_in.infos}
    found = []
    for draft in drafts:
        twin = twins.get(draft.ids.tobytes())
        found.append(
            Checked(
                draft.info.name,
                draft.info.family,
                len(draft.ids),
                draft.info.words,
                list(draft.missed),
                aside.get(draft.info.name),
                [twin.name, *twin.aliases] if twin else [],
            )
        )
    return found
