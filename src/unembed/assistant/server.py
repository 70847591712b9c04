"""The tools of a run on standard input and output, as the Model Context Protocol has them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unembed.errors import MissingExtraError, UnembedError
from unembed.outside.text import shown
from unembed.version import __version__

if TYPE_CHECKING:
    from unembed.questions.run import Run

_BANKS = 12
"""Names of banks that an assistant is told before it asks."""


def create_server(run: Run) -> Any:
    """Return a server (`mcp.server.mcpserver.MCPServer`) of one run's questions; it only reads.

    Args:
        run: a finished run.

    Raises:
        MissingExtraError: when `mcp` is not installed, or an older one.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.types import ToolAnnotations

        from unembed.assistant.tools import TOOLS, Tools  # whose arguments pydantic describes
    except ImportError as error:
        raise MissingExtraError(
            f"Assistants are served with the package mcp, from 2.3 on ({error}): pip install "
            "'unembed[mcp]'."
        ) from error
    reads = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    server = MCPServer(
        "unembed", title="unembed", version=__version__, instructions=_about(run),
        log_level="WARNING", subscriptions=False,
    )  # fmt: skip
    tools = Tools(run)
    for name in TOOLS:
        question = getattr(tools, name)
        said = inspect.getdoc(question)
        server.add_tool(_in_words(question), name=name, description=said, annotations=reads)
    return server


def serve(run: Run) -> None:
    """Answer on standard input and output until the client ends it.

    Args:
        run: a finished run.

    Raises:
        MissingExtraError: when `mcp` is not installed.
    """
    create_server(run).run("stdio")


def _about(run: Run) -> str:
    banks = ", ".join(run.banks[:_BANKS]) + (" …" if len(run.banks) > _BANKS else "")
    return (
        f"Questions about one analysis by unembed of features of {shown(run.model)} (banks: "
        f"{banks}): which tokens each feature promotes and suppresses, read from the model's "
        "weights alone, and which named token sets that comes to. Begin with `summary`. An address "
        "of a feature is bank/index. z is in standard deviations of random directions, log10_q the "
        "logarithm of a false discovery rate: from -2 down, 1 %."
    )


def _in_words(question: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a question whose errors are answers in words, which a model can act on."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(question)
    def asked(**arguments: Any) -> dict[str, Any]:
        try:
            return question(**arguments)
        except UnembedError as error:
            raise ToolError(str(error)) from error

    return asked
