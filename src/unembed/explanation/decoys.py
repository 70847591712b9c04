"""The decoy exam: does a label pick its feature out of ten, by weights alone?

Each labelled feature is asked for among nine others that have a label too, of its class and bank:
that fits the label best which moves its sets most, in the label's direction. Chance is one in ten.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

DECOYS = 9
_SEED = 17


def drawn(bank: str, indices: I64, most: int) -> I64:
    """Return which features of a bank are asked for, at most so many, ascending.

    Args:
        bank: its name.
        indices: [N] of its features.
        most: how many; all if there are no more.
    """
    in_order = np.argsort(indices, kind="stable")
    if len(indices) > most:
        random = np.random.default_rng([_SEED, zlib.crc32(bank.encode())])
        in_order = in_order[random.choice(len(indices), most, replace=False)]
    return np.sort(in_order)


def lineup(bank: str, indices: I64, asked: I64) -> I64:
    """Return [A, 10] each feature that is asked for, before nine others.

    What is drawn depends on the bank's name, the feature's index, and the indices of the others,
    in whatever order they stand.

    Args:
        bank: its name.
        indices: [N] of its features of one class, ten or more.
        asked: [A] places among them.
    """
    in_order = np.argsort(indices, kind="stable")
    place = np.argsort(in_order, kind="stable")
    found = np.empty((len(asked), 1 + DECOYS), np.int64)
    name = zlib.crc32(bank.encode())
    for row, own in enumerate(asked):
        random = np.random.default_rng([_SEED, name, int(indices[own])])
        others = random.choice(len(indices) - 1, DECOYS, replace=False)
        found[row, 0] = own
        found[row, 1:] = in_order[others + (others >= place[own])]
    return found


def fits(z: F64, signs: I64, label: I64, count: int) -> F64:
    """Return [A, 10] how well each feature fits each label: the mean, over its sets, of z · sign.

    Args:
        z: [P, 10] of the sets of the labels, one after the other.
        signs: [P] 1 where the label says that a set is promoted, −1 where suppressed; 0 where it
            splits, which a label says without a direction: |z| counts.
        label: [P] whose set it is.
        count: A, how many labels there are.
    """
    towards = np.where(signs[:, None] == 0, np.abs(z), signs[:, None] * z)
    total = np.zeros((count, z.shape[1]))
    np.add.at(total, label, towards)
    mean: F64 = total / np.bincount(label, minlength=count)[:, None]
    return mean


def points(fit: F64) -> F64:
    """Return [A] 1 where the first fits best; those that fit equally well share the point.

    >>> points(np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))
    array([1. , 0.5, 0. ])
    """
    best = fit == fit.max(1, keepdims=True)
    shared: F64 = np.where(best[:, 0], 1 / best.sum(1), 0.0)
    return shared
