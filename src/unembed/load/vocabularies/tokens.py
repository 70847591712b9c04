"""What a file says of its tokens, before what lies beside it has been read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from unembed.load.vocabularies import pieces
from unembed.vocabulary import Vocabulary


@dataclass
class Tokens:
    """Tokens by id, to which others may be added.

    Attributes:
        kind: where they came from.
        added: the bytes of text that is added to the vocabulary later.
        written: id → the bytes it writes.
        special: ids of tokens that control the model.
        unused: ids of tokens that nothing was trained on.
    """

    kind: str
    added: Callable[[str], bytes] = str.encode
    written: dict[int, bytes] = field(default_factory=dict)
    special: set[int] = field(default_factory=set)
    unused: set[int] = field(default_factory=set)

    def add(
        self, index: int, name: str, raw: bytes, *, special: bool, unused: bool = False
    ) -> None:
        """Add a token, or put it in the place of that which has its id.

        A special token holds its name. What is unused, by what is said or by a name such as
        `<unused7>`, is that alone, whatever else is said of it.
        """
        if self.written.get(index) not in (None, name.encode(), raw):  # another one's flags
            self.special.discard(index)
            self.unused.discard(index)
        self.written[index] = name.encode() if special else raw
        if unused or pieces.is_placeholder(name):
            self.special.discard(index)
            self.unused.add(index)
        elif special:
            self.unused.discard(index)
            self.special.add(index)

    def vocabulary(self) -> Vocabulary:
        """Return the vocabulary.

        Raises:
            VocabularyError: when there is none, or ids are impossible.
        """
        return Vocabulary.from_ids(
            self.written, special=self.special, unused=self.unused, kind=self.kind
        )
