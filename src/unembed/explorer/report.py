"""The explorer as files: a folder for any web server, or one file for one feature.

What the server answers is a pure function of its path, so a report is its answers under the same
paths, beside the same page. What needs the weights is in it for the features that are chosen.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import polars as pl
from starlette.testclient import TestClient

from unembed.errors import UnembedError
from unembed.explorer.app import create_app, page_folder
from unembed.explorer.contents import PAGE, Contents
from unembed.explorer.site import MARK, new_site
from unembed.output_file import check_free, output_file
from unembed.progress import Progress, silent
from unembed.questions.run import Run
from unembed.strict_json import dumps

SETS_OF_FEATURE = 10
"""Token sets of a chosen feature by which it can be split, and whose running sum is drawn."""
_SCORES_OF_SETS = 2_000_000
"""Features times sets whose own views, over all features, are in the report."""
_LIST = "report.json"
"""Which features have views in it: what a server does not need to say."""
NOT_THERE = "404.html"
"""What hosts show for what is not there. Without it, some (Cloudflare Pages) send the page itself
instead, and say that all is well."""
_NOT_THERE_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not here</title>'
    "<p>This is not in this report.</p></html>\n"
)
_BEGIN = 5
_COMMON = ("run.json", "tokens.json", "layers.json")
_FILES = "globalThis.unembedFiles"
"""What the view of one feature, in one file, keeps its answers in."""
_HEAD = 2**20
"""Bytes of such a file in which that is named."""
_ROWS_OF_ALL = 50_000
"""With more features than this, tables show label and tokens of the chosen ones' pages only."""


def worth_showing(run: Run, limit: int) -> list[str]:
    """Return the addresses of features to begin with, in the order of the run.

    Those that the overview begins with: of each class the five of the largest kurtosis, of
    partitions those whose sets explain most. Then the same from each bank and class in turn.
    Where classes are not known, from each bank.
    """
    strength = pl.when(pl.col("class") == "partition").then("partition_r2").otherwise("kurtosis")
    groups = ["bank", "class"] if run.is_explained else ["bank"]
    known = run.scalars.with_row_index("row").filter(pl.col("kurtosis").is_not_null())
    ranked = known.with_columns(
        first=strength.rank("ordinal", descending=True).over(groups[-1]),
        place=strength.rank("ordinal", descending=True).over(groups),
    ).with_columns(first=pl.col("first").clip(upper_bound=_BEGIN + 1))
    chosen = ranked.sort("first", "place", "row").head(limit).sort("row")
    return chosen["feature"].to_list()


def write_site(
    run: Run,
    out: Path,
    features: Sequence[str],
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> None:
    """Write the explorer of a run as a folder of files.

    Args:
        run: a finished run.
        out: a new folder; or, with overwrite, that of another report, whose files it replaces.
            Files that are not the report's stay.
        features: addresses of those whose views are in it.
        overwrite: replace a report that is there.
        progress: told how many files of how many are written.

    Raises:
        QueryError: when the run has no such feature.
        UnembedError: when something else is there, or the disk refuses.
    """
    with new_site(out, overwrite=overwrite) as part:
        shutil.copytree(page_folder(), part, dirs_exist_ok=True)
        page = (part / "index.html").read_text(encoding="utf-8")
        (part / "index.html").write_text(page.replace("</head>", f"{MARK}</head>"), "utf-8")
        (part / NOT_THERE).write_text(_NOT_THERE_PAGE, "utf-8")
        addresses = [_address(run, feature) for feature in features]
        paths = _paths_of_site(run, addresses)
        for done, (path, body) in enumerate(_answers(run, paths), 1):
            file = part / "api" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            progress("Writing the report", done, len(paths))
        (part / "api" / _LIST).write_text(dumps({"features": addresses}), "utf-8")


def write_feature(run: Run, out: Path, feature: str) -> None:
    """Write the view of one feature as one file that needs nothing else.

    Args:
        run: a finished run.
        out: the file; one that is there is replaced if it is such a view.
        feature: its address.

    Raises:
        QueryError: when the run has no such feature.
        UnembedError: when another file is there, or the disk refuses.
    """
    check_free(out, is_ours=_is_view)
    text = feature_page(run, feature)
    with output_file(out) as part:
        part.write_text(text, encoding="utf-8")


def _ties_of(run: Run) -> list[str]:
    """Return the answers that say which rows of W_U are identical, and of W_E where it counts."""
    of_side = {False: "ties.i32", True: "ties_read.i32"}
    return [of_side[reads] for reads in run.manifest.sides]


def feature_page(run: Run, feature: str) -> str:
    """Return the HTML of `write_feature`."""
    address = _address(run, feature)
    contents = Contents(run)
    paths = ["run.json", "tokens.json", "columns/index.bin", *_paths_of_features([address])]
    if run.has_enrichment:
        sets = _sets_of(contents, address)
        paths += [*_ties_of(run), "sets.json", *(f"sets/{number}/members.i32" for number in sets)]
    files = {path: _packed(body) for path, body in _answers(run, paths)}
    files[_LIST] = _packed(dumps({"features": [address]}).encode())
    start = f"{_FILES}={_inline(json.dumps(files))};" + (
        f"if(!location.hash)location.replace({_inline(json.dumps(f'#/feature/{quote(address)}'))});"
    )
    folder = page_folder()
    script = (folder / "explorer.js").read_text(encoding="utf-8")
    style = (folder / "explorer.css").read_text(encoding="utf-8")
    head = f"<title>{html.escape(address)}</title><style>{style}</style>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{head}</head><body><div id="app"></div><script>{start}</script>'
        f'<script type="module">{_inline(script)}</script></body></html>\n'
    )


def _packed(body: bytes) -> str:
    return base64.b64encode(gzip.compress(body, mtime=0)).decode()


def _inline(script: str) -> str:
    """Return a script that cannot end the element it stands in."""
    return re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE).replace("<!--", "<\\!--")


def _paths_of_site(run: Run, addresses: Sequence[str]) -> list[str]:
    contents = Contents(run)
    rows = [run.row_of(address) for address in addresses]
    count = run.scalars.height
    pages = range(-(-count // PAGE)) if count <= _ROWS_OF_ALL else {row // PAGE for row in rows}
    paths = [
        *_COMMON,
        *_ties_of(run),
        *(f"columns/{name}.bin" for name in contents.columns()),
        *(f"rows/{page}.json" for page in sorted(pages)),
        *_paths_of_features(addresses),
    ]
    outermost = run.outermost(rows)
    tokens = pl.concat([outermost["top_ids"], outermost["bottom_ids"]]).explode()
    place = {token: row for row, token in enumerate(contents.tokens()["id"])}
    paths += [f"tokens/{place[token]}.json" for token in tokens.drop_nulls().unique().sort()]
    if run.has_enrichment:
        named = Counter(number for each in addresses for number in _sets_of(contents, each))
        paths += ["sets.json", *(f"sets/{number}/members.i32" for number in sorted(named))]
        whole = named.most_common(max(1, _SCORES_OF_SETS // count))
        paths += _paths_of_sets(sorted(number for number, _ in whole))
    return paths


def _paths_of_features(addresses: Iterable[str]) -> list[str]:
    return [
        f"features/{address}{ending}"
        for address in addresses
        for ending in (".json", "/weights.f32", "/nearest.json")
    ]


def _paths_of_sets(numbers: Iterable[int]) -> list[str]:
    return [
        f"sets/{number}{ending}"
        for number in numbers
        for ending in (".json", "/z.f32", "/log10_p.f32", "/log10_q.f32")
    ]


def _sets_of(contents: Contents, address: str) -> list[int]:
    sets: list[int] = contents.sets_of(address)["set"]
    return sets[:SETS_OF_FEATURE]


def _address(run: Run, feature: str) -> str:
    return str(run.scalars["feature"][run.row_of(feature)])


def _answers(run: Run, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield what the server answers; what cannot be had (the weights) is left out.

    Raises:
        UnembedError: when a table of the run is damaged.
    """
    address = "http://127.0.0.1"
    app = create_app(run)
    with closing(app.state.desk), TestClient(app, address) as client:
        for path in paths:
            answer = client.get(f"/api/{path}")
            if answer.status_code == 200:
                yield path, answer.content
            elif answer.status_code not in (404, 409):
                raise UnembedError(answer.json()["error"])


def _is_view(path: Path) -> bool:
    """Return whether a file is the view of one feature (`write_feature`)."""
    with path.open("rb") as file:
        return f"<script>{_FILES}=".encode() in file.read(_HEAD)
