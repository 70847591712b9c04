"""`unembed mcp` as an assistant's program has it: started, asked and ended by mcp's own client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import unembed
from unembed.assistant import create_server
from unembed.assistant.tools import TOOLS
from unembed.errors import MissingExtraError

GOLDEN = Path(__file__).parents[1] / "golden" / "schema-4"


def test_without_the_extra_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'unembed\[mcp\]'"):
        create_server(unembed.Run.open(GOLDEN))


def talk(said: Callable[[Any], Awaitable[Any]]) -> Any:
    """What comes of a conversation with the server in a process of its own."""
    anyio = pytest.importorskip("anyio")
    mcp = pytest.importorskip("mcp", minversion="2.3")
    command = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "unembed", "mcp", str(GOLDEN)],
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONWARNINGS": "error"},
    )  # fmt: skip

    async def conversation() -> Any:
        async with mcp.Client(mcp.stdio_client(command)) as client:
            return await said(client)

    return anyio.run(conversation)


@pytest.mark.slow
def test_tools_are_listed_with_what_they_take() -> None:
    async def said(client: Any) -> Any:
        return (await client.list_tools()).tools, client.instructions

    tools, instructions = talk(said)
    assert [each.name for each in tools] == list(TOOLS)
    assert "Begin with `summary`" in instructions
    for each in tools:
        assert each.annotations.read_only_hint is True
        assert each.description
        for name, argument in each.input_schema.get("properties", {}).items():
            assert argument.get("description"), (each.name, name)


@pytest.mark.slow
def test_questions_are_answered_and_mistakes_told() -> None:
    run = unembed.Run.open(GOLDEN)
    feature = f"{run.banks[0]}/{run.scalars['index'][0]}"

    async def said(client: Any) -> Any:
        return [
            await client.call_tool(name, arguments)
            for name, arguments in (
                ("summary", {}), ("feature", {"address": feature}),
                ("feature", {"address": "nowhere/1"}), ("banks", {"limit": 10**6}),
                ("find_features", {"where": "no sql at all"}),
            )
        ]  # fmt: skip

    summary, one, unknown, many, sql = talk(said)
    assert json.loads(summary.content[0].text) == summary.structured_content
    assert summary.structured_content["model"] == run.model
    assert one.structured_content["label"] == run.feature(feature)["label"]
    assert [each.is_error for each in (summary, one, unknown, many, sql)] == [0, 0, 1, 1, 1]
    assert "There is no bank 'nowhere' in this run" in unknown.content[0].text
    assert "less than or equal to 50" in many.content[0].text
    assert "Write it as in SQL" in sql.content[0].text


@pytest.mark.slow
def test_of_no_run_it_is_said_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unembed", "mcp", tmp_path], capture_output=True, text=True,
        check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_when_the_client_goes_it_ends() -> None:
    pytest.importorskip("mcp", minversion="2.3")
    done = subprocess.run(
        [sys.executable, "-m", "unembed", "mcp", GOLDEN], capture_output=True, text=True,
        check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
