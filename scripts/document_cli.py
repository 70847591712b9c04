"""Write the usage and the options of every command into the page of the command line.

    python scripts/document_cli.py

What stands between `<!-- options: NAME -->` and `<!-- end -->` in `docs/cli.md` is made from the
commands themselves; all else on the page is written by hand. A command that the page does not
have yet gets a section at its end, to be moved where it belongs.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from unembed.cli import app

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
_BLOCK = re.compile(r"(<!-- options: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = "| argument, option | takes | default | |\n|---|---|---|---|\n"
_KINDS = {int: "number", float: "number", Path: "path", str: "text"}


def commands() -> dict[str, Any]:
    """Return every command by the words that call it, `sets show` too; the program itself first."""
    group = typer.main.get_command(app)
    return {"unembed": group, **dict(_inside(group, "unembed"))}


def _inside(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _inside(command, f"{words} {name}")
        elif not command.hidden:
            yield f"{words} {name}", command


def page(text: str) -> str:
    """Return a page with the usage and options that its commands have now.

    Raises:
        SystemExit: where the page has a command that is none.
    """
    known = commands()
    found = [match[2] for match in _BLOCK.finditer(text)]
    if gone := sorted({*found} - {*known}):
        raise SystemExit(
            f"{PAGE.name} has options of {', '.join(gone)}: there is no such command. Rename or "
            "remove its section."
        )
    added = [_section(name, known[name]) for name in known if name not in found]
    text = "\n".join([text, *added]) if added else text
    return _BLOCK.sub(
        lambda match: f"{match[1]}{_options(match[2], known[match[2]])}{match[3]}", text
    )


def _section(name: str, command: Any) -> str:
    """Return a section for a command that the page does not have."""
    about = (command.help or "").split("\n\n")[0]
    return f"## `{name}`\n\n{about}\n\n<!-- options: {name} -->\n<!-- end -->\n"


def _options(name: str, command: Any) -> str:
    """Return how a command is called, and a table of its arguments and options."""
    hints = get_type_hints(command.callback, include_extras=True)
    shown = [each for each in command.params if not each.hidden]
    shown.sort(key=_is_argument, reverse=True)
    usage = " ".join([name, *filter(None, map(_in_usage, shown)), "[OPTIONS]"])
    rows = "".join(f"| {' | '.join(_row(each, hints.get(each.name)))} |\n" for each in shown)
    return f"\n```text\n{usage}\n```\n\n{_HEAD}{rows}\n"


def _in_usage(parameter: Any) -> str:
    """Return a parameter as the usage shows it: arguments, and the options that must be given."""
    if not _is_argument(parameter):
        return f"{_names(parameter)[0]} {parameter.metavar}" if parameter.required else ""
    metavar = _metavar(parameter)
    dots = "…" if parameter.nargs == -1 and "…" not in metavar else ""
    return f"{metavar}{dots}" if parameter.required else f"[{metavar.strip('[]')}{dots}]"


def _row(parameter: Any, hint: Any) -> tuple[str, str, str, str]:
    """Return a parameter's names, what it takes, its default, and its help; all in Markdown."""
    about = " ".join((parameter.help or "").split()).replace("|", r"\|")
    names = ", ".join(map(_code, _names(parameter)))
    return names, _takes(parameter, hint), _default(parameter), about


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _names(parameter: Any) -> list[str]:
    if _is_argument(parameter):
        return [_metavar(parameter)]
    return [*sorted(parameter.opts, key=len, reverse=True), *parameter.secondary_opts]


def _takes(parameter: Any, hint: Any) -> str:
    """Return what is to be given: one of a choice, what the metavar says, or a kind of value."""
    if getattr(parameter, "is_flag", False):
        return ""
    annotation, info = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
    kind, several = _inner(annotation)
    if get_origin(kind) is Literal:
        value = ", ".join(_code(str(each)) for each in get_args(kind))
    elif parameter.metavar and not _is_argument(parameter):
        value = _code(parameter.metavar)
    else:
        least, most = getattr(info, "min", None), getattr(info, "max", None)
        value = f"{_KINDS.get(kind, 'text')}{_bounds(least, most)}"
    return f"{value} …" if several else value


def _inner(annotation: Any) -> tuple[Any, bool]:
    """Return the type of one value, and whether a parameter takes a list of them."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(each for each in get_args(annotation) if each is not types.NoneType)
    several = get_origin(annotation) is list
    return (get_args(annotation)[0] if several else annotation), several


def _bounds(least: float | None, most: float | None) -> str:
    from_least = "" if least is None else f" from {least:,}"
    return from_least if most is None else f"{from_least} to {most:,}"


def _default(parameter: Any) -> str:
    """Return what is taken where nothing is given; no text where that is nothing."""
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if getattr(parameter, "is_flag", False):
        taken = parameter.opts if parameter.default else parameter.secondary_opts
        return _code(taken[0]) if parameter.secondary_opts else ""
    is_nothing = parameter.default is None or parameter.default == []
    return "" if is_nothing or not parameter.show_default else _code(str(parameter.default))


def _code(text: str) -> str:
    return f"`{text}`".replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
