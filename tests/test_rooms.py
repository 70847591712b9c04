"""The rooms of the package: imports go one way, and what one room knows the others do not redo."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import unembed

SOURCE = Path(unembed.__file__).parent

LEAVES = (
    "version", "visible", "errors", "outside", "lens", "progress", "numerals", "strict_json",
    "recent", "workers", "products", "symmetric", "compiled", "fixed_order", "disk", "distant",
    "sealed",
    "cache", "output_file", "parquet_footer", "parquet", "demo", "ties",
)  # fmt: skip
ORDER = (
    *LEAVES,
    "addresses", "facts", "layer_lens", "cached_array", "vocabulary", "unembedding", "features",
    "load",
    "tokensets", "sweep", "similarity", "enrichment", "explanation", "discovery", "matching",
    "fitting", "store", "questions", "steering", "plots", "explorer", "assistant", "terminal",
    "notebook", "publishing", "analysis", "__init__", "cli", "__main__",
)  # fmt: skip
"""Every room, below those that may import it. `plots` and `explorer` stand below what the terminal
draws, and the public face (`__init__`) below the command line alone."""

ELSEWHERE = {
    "explanation/phrasing.py": "the words of a discovered module",
    "plots/manhattan.py": "the families of token sets",
    "cli/publish.py": "the paths of files",
    "store/elsewhere.py": "the paths of files in a repository",
    "store/sets.py": "the families of token sets",
    "terminal/saes.py": "the names of published SAEs",
    "questions/neuronpedia/links.py": "what a bank is called on Neuronpedia",
    "questions/neuronpedia/spoken.py": "the families of token sets",
}
"""What is divided by `/` in a file of the upper rooms, and is no address of a feature."""
PATHS = ("load", "tokensets")
"""Rooms that divide the paths of files and families, and never see an address."""

TREES = {
    path.relative_to(SOURCE): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.pyi")])
}


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(path.suffix) if len(path.parts) == 1 else path.parts[0]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Rooms that a file imports, with the line: at its head, in functions, and for types alone."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ["unembed", *path.parent.parts]
            above = package[: len(package) - node.level + 1]
            names = [
                ".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names
            ]
        else:
            continue
        for name in names:
            first, *inside = name.split(".")
            if first == "unembed":
                room = inside[0] if inside and inside[0] in ORDER else "__init__"
                yield room, node.lineno


def test_every_room_has_its_place() -> None:
    assert {room_of(path) for path in TREES} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_rooms_import_only_those_below() -> None:
    upwards = [
        f"{path}:{line} imports {other}"
        for path in TREES
        for other, line in imported(path)
        if ORDER.index(other) > ORDER.index(room_of(path))
    ]
    assert upwards == []


def test_only_the_notebook_is_known_by_name_alone() -> None:
    """A run draws itself in a notebook: the one import upwards, at the time of drawing."""
    by_name = [
        (str(path), node.args[0].value)
        for path, tree in TREES.items()
        for node in calls(tree, "import_module", "__import__")
        if isinstance(node.args[0], ast.Constant)
    ]
    assert by_name == [("questions/display.py", "unembed.notebook")]


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Calls of functions or methods of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in names:
                yield node


def raw_keys(tree: ast.AST) -> Iterator[int]:
    """Lines that read a manifest by key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            value = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
        ):
            value = node.func.value
        else:
            continue
        while isinstance(value, ast.Subscript):  # manifest["banks"][0]["name"]
            value = value.value
        if is_manifest(value):
            yield node.lineno


def is_manifest(node: ast.AST) -> bool:
    """Whether it is a manifest, or its content as JSON has it."""
    if isinstance(node, ast.Attribute):
        return node.attr == "manifest" or (node.attr == "content" and is_manifest(node.value))
    return isinstance(node, ast.Name) and node.id == "manifest"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run.manifest['banks']", 1),
        ("manifest['enrichment']['max_q']", 2),
        ("self._manifest.banks", 0),
        ("run.manifest.content['banks'][0]['name']", 3),
        ("manifest.get('enrichment')", 1),
        ("run.manifest.banks[0]", 0),
        ("content['banks']", 0),
    ],
)
def test_raw_keys_are_seen(text: str, found: int) -> None:
    assert len(list(raw_keys(ast.parse(text)))) == found


def test_manifests_are_read_by_key_in_their_module_alone() -> None:
    found = [
        f"{path}:{line}"
        for path, tree in TREES.items()
        if path != Path("store/manifest.py")
        for line in raw_keys(tree)
    ]
    assert found == []


INDEX_BEHIND = (r"/\d", r"/(\d", "/[0-9", "/(?P")


def divided(tree: ast.AST) -> Iterator[int]:
    """Lines that divide text at a slash, look for one, or look for an index behind it."""
    for node in calls(tree, "split", "rsplit", "partition", "rpartition", "removeprefix"):
        if isinstance(node.args[0], ast.Constant) and node.args[0].value == "/":
            yield node.lineno
    for node in calls(tree, "compile", "match", "fullmatch", "search", "sub", "findall", "split",
                      "extract", "extract_groups", "contains", "replace"):  # fmt: skip
        pattern = getattr(node.args[0], "value", None)
        if isinstance(pattern, str) and any(part in pattern for part in INDEX_BEHIND):
            yield node.lineno
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Compare)
            and any(isinstance(each, ast.In | ast.NotIn) for each in node.ops)
            and isinstance(node.left, ast.Constant)
            and node.left.value == "/"
        ):
            yield node.lineno


def joined(tree: ast.AST) -> Iterator[int]:
    """Lines that write an address themselves: `f"{bank}/{index}"`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and len(node.values) == 3:
            before, between, after = node.values
            if isinstance(between, ast.Constant) and between.value == "/":
                names = [ast.unparse(each) for each in (before, after)]
                if "bank" in names[0] and ("ind" in names[1] or "feature" in names[1]):
                    yield node.lineno


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bank, index = feature.split('/')", 1),
        ("feature.rpartition('/')[2]", 1),
        (r"re.compile(r'(.+)/\d+$')", 1),
        (r"pl.col('feature').str.extract(r'/(\d+)$')", 1),
        ("'/' in of", 1),
        ("text.split(',')", 0),
        ("folder / 'x'", 0),
    ],
)
def test_divided_addresses_are_seen(text: str, found: int) -> None:
    assert len(list(divided(ast.parse(text)))) == found


def test_addresses_are_taken_apart_and_written_in_their_module_alone() -> None:
    found, explained = [], set()
    for path, tree in TREES.items():
        if room_of(path) in (*PATHS, "addresses"):
            continue
        lines = [*divided(tree), *joined(tree)]
        if str(path) in ELSEWHERE:
            explained |= {str(path)} if lines else set()
            continue
        found += [f"{path}:{line}" for line in lines]
    assert found == []
    assert explained == set(ELSEWHERE), "what is explained is still there"
