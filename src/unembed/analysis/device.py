"""Which device `auto` is: that of the run that is there, or the best one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unembed.errors import UnembedError
from unembed.store import Manifest
from unembed.sweep import SweepSettings
from unembed.sweep.device import device_named
from unembed.sweep.settings import AUTO


def settled(settings: SweepSettings, folder: Path, *, overwrite: bool = False) -> SweepSettings:
    """Return settings that name a device: a run goes on where it was begun, if it can.

    Args:
        settings: whose device may be `auto`.
        folder: of the run.
        overwrite: whether the run in it is thrown away.

    Raises:
        UnembedError: when torch sees a GPU that cannot be used.
    """
    if settings.device != AUTO:
        return settings
    if not overwrite:
        with suppress(UnembedError):  # there is none, or it is of a device that is not here
            return replace(settings, device=Manifest.load(folder).settings.device)
    return replace(settings, device=str(device_named(AUTO)))
