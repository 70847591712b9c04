"""What the explorer's server allows, whoever asks: each bound with its reason."""

from __future__ import annotations

import os
from typing import Final

CONNECTIONS: Final = 96
"""Open at once: a browser opens 6, and some systems let a program hold 256 files."""
WAITING: Final = 64
"""Connections that the system may queue before they are taken."""
HEAD_BYTES: Final = 16 * 1024
"""The request line and all headers; a browser sends about 1,000."""
PATH_BYTES: Final = 1024
"""A path with its query; the longest of the page's, of a bank's name, has some 250."""
HEAD_SECONDS: Final = 10
"""From the start of a connection, or the first byte of a further request, to its head's end."""
IDLE_SECONDS: Final = 15
"""A connection on which nothing is asked any more; a browser opens another one at no cost."""
UNREAD_SECONDS: Final = 30
"""An answer of which the other side takes nothing for so long is given up."""
WORKERS: Final = max(2, min(os.cpu_count() or 1, 8))
"""Answers made at once: one a core, and two at least, so that a long one does not hold up all."""
KEPT_BYTES: Final = 64 * 2**20
"""Of answers that are kept: all that a run's overview needs, and some hundred features."""
