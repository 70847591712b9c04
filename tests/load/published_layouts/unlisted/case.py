"""A repository with one dictionary, or with a file that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.load.published_layouts.parts import TINY, Bank, Files, Size


@dataclass(frozen=True)
class Case:
    """A repository with one dictionary, or with a file that must be refused.

    Attributes:
        files: by their path.
        path: of the folder or file to name, inside the repository; "" for all of it.
        model: the model it was made for, as the registry calls models.
        hook: where it writes, where its files say nothing of that.
        banks: what it yields; none where it must be refused.
        refused: words of which one must be in the error, where it must be refused.
    """

    files: Files
    path: str = ""
    model: str | None = None
    hook: str | None = None
    banks: list[Bank] = field(default_factory=list)
    refused: tuple[str, ...] = ()


Maker = Callable[[Size], Case]
CASES: dict[str, Maker] = {}


def case(name: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        CASES[name] = maker
        return maker

    return register


def make(name: str, size: Size = TINY) -> Case:
    return CASES[name](size)
