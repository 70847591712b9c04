"""Whether a run's token sets say nothing of its features beforehand.

The direction test asks how far random directions move a set that was there before them. A set that
was made of what a feature promotes moves with that feature, whatever the feature is: even a random
direction's own outermost tokens pass. Sets found in W_U were there before the features, as word
lists were.
"""

from __future__ import annotations

from collections.abc import Sequence

from unembed.addresses import address
from unembed.discovery.features import FAMILY, mark_of
from unembed.errors import TokenSetError
from unembed.features import Features
from unembed.tokensets import TokenSets
from unembed.tokensets.token_sets import SetInfo


def check_independent(token_sets: TokenSets, banks: Sequence[Features]) -> None:
    """Check that no set was found in features that it would be tested in.

    Raises:
        TokenSetError: naming the bank.
    """
    for info in token_sets.infos:
        if info.family == FAMILY:
            found = _found_in(info, banks)
            if found is not None:
                raise TokenSetError(
                    f"The token set {info.name!r} was found in features of {found}, and would be "
                    "tested in the same: every feature passes in a set made of what it promotes. "
                    "Leave such sets out (--sets default,discovered has those of W_U alone), test "
                    "them in other features, or name the bank otherwise if it is another one."
                )


def _found_in(info: SetInfo, banks: Sequence[Features]) -> str | None:
    """Return the bank of a run that a set was found in, by what it says of itself.

    A bank that is read through a lens has the features of the bank in its own layer; and what
    features read is near to what they promote, in most autoencoders.
    """
    for bank in banks:
        names = {bank.name, (bank.before or bank).name}
        names |= {bank.reads.bank} if bank.reads else set()
        firsts = (address(name, 0).removesuffix("0") for name in names)
        if mark_of(bank) in info.description or any(
            f" it: {first}" in info.description for first in firsts
        ):
            return bank.name
    return None
