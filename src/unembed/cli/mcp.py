"""`unembed mcp`: a run's questions for assistants."""

from __future__ import annotations

from unembed import assistant
from unembed.cli.opened import open_run
from unembed.cli.options import RunFolder
from unembed.cli.output import stoppable


def mcp(path: RunFolder) -> None:
    """Serve a run's questions to an assistant (Model Context Protocol, stdio; read-only).

    The assistant's program starts it, and speaks with it on standard input and output. What it is
    to be told, in its settings:

        {"mcpServers": {"unembed": {"command": "unembed", "args": ["mcp", "/path/to/runs/demo"]}}}

    Needs `pip install 'unembed[mcp]'`. Nothing is written, and nothing leaves this machine but
    the answers, which go to the program that asked.
    """
    run = open_run(path)
    with stoppable("Stopped."):
        assistant.serve(run)
