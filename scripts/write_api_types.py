"""Write the types of the explorer's answers as TypeScript, from `unembed.explorer.answers`.

    python scripts/write_api_types.py

Pydantic describes the types as JSON schema; here each becomes an interface.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import is_typeddict

from unembed.explorer import answers

PAGE_TYPES = Path(__file__).parents[1] / "web" / "src" / "lib" / "types.ts"
_WIDTH = 100
_HEAD = """\
// What the paths of the explorer's server answer. Written by `python scripts/write_api_types.py`:
// change `unembed.explorer.answers`, not this. Features, sets and tokens are numbers: a feature's
// row in the run, a set's place in `Sets`, a token's row in `Tokens`.
"""
_PLAIN = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def text() -> str:
    """Return the file's text."""
    types = [found for found in vars(answers).values() if _is_answer(found)]
    inputs = [(found, "serialization", TypeAdapter(found)) for found in types]
    _, schema = TypeAdapter.json_schemas(inputs, ref_template="{model}")
    found = schema["$defs"]
    named = [name for name in vars(answers) if name in found]
    return "\n".join([_HEAD, *("\n".join([*_declared(name, found[name]), ""]) for name in named)])


def _is_answer(found: object) -> bool:
    """Return whether it is a type of an answer, or a part of one, that has a name of its own."""
    own = getattr(found, "__module__", None) == answers.__name__
    return own and is_typeddict(found) and not found.__name__.startswith("_")


def _declared(name: str, schema: dict[str, Any]) -> Iterator[str]:
    if "properties" not in schema:
        yield from _wrapped(f"export type {name} =", schema)
        return
    yield from _comment(schema, "")
    yield f"export interface {name} {{"
    for field, of in schema["properties"].items():
        yield from _comment(of, "  ")
        mark = "" if field in schema["required"] else "?"
        key = field if field.isidentifier() else json.dumps(field)
        yield from _wrapped(f"  {key}{mark}:", of)
    yield "}"


def _comment(schema: dict[str, Any], indent: str) -> Iterator[str]:
    if "description" in schema:
        yield f"{indent}/** {schema['description'].replace('None', 'null')} */"


def _type(schema: dict[str, Any]) -> str:
    """Return a JSON schema as a TypeScript type."""
    match schema:
        case {"$ref": name}:
            return str(name)
        case {"anyOf": choices}:
            return " | ".join(map(_type, choices))
        case {"enum": values}:
            return " | ".join(map(json.dumps, values))
        case {"type": "array", "items": items}:
            inner = _type(items)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"Record<string, {_type(values)}>"
        case {"type": str(kind)} if kind in _PLAIN:
            return _PLAIN[kind]
    raise TypeError(f"There is no TypeScript for {schema}: teach it to this script.")


def _wrapped(start: str, schema: dict[str, Any]) -> Iterator[str]:
    """Write a type behind its name, as prettier does: on a line of its own if there is no room."""
    of = f"{_type(schema)};"
    yield from [f"{start} {of}"] if len(start) + len(of) < _WIDTH else [start, f"  {of}"]


if __name__ == "__main__":
    PAGE_TYPES.write_text(text())
