"""`Pairs`: the features and token sets that belong together, with all that was measured of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class Pairs(NamedTuple):
    """Pairs of a feature and a token set that pass the direction test.

    Attributes:
        feature: [P] the feature's position in what was read, ascending.
        token_set: [P] the set's number.
        z, log10_p, log10_q: [P] the direction test.
        z_without_one, z_without_two: [P] what is left of z without the strongest of the set's
            members, and without the two strongest; 0 where no member is left.
        rests_on: [P] the pair does not pass without its strongest member (1), or the two
            strongest (2); else 0.
        es, peak, auroc: [P] TSEA; NaN and 0 where it was left out, as all below.
        nes, log10_p_directions: [P] ES against random directions.
        log10_p_tokens: [P] ES against random token sets, which is far too liberal; NaN for weights
            without such a null.
    """

    feature: npt.NDArray[np.int64]
    token_set: npt.NDArray[np.int64]
    z: F32
    log10_p: F32
    log10_q: F32
    z_without_one: F64
    z_without_two: F64
    rests_on: npt.NDArray[np.int8]
    es: F64
    peak: npt.NDArray[np.int32]
    auroc: F64
    nes: F64
    log10_p_directions: F64
    log10_p_tokens: F64
