"""The page of a published run: what it is of, what it was made of, and how it is opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from typing import Any

import yaml

from unembed.facts import BankFacts
from unembed.outside.text import shown
from unembed.questions.features import list_features
from unembed.questions.summary import banks_at_a_glance
from unembed.store.added import NEURONPEDIA, STEERING
from unembed.store.files import RunFiles
from unembed.store.manifest import FEATURES, Manifest
from unembed.store.read_added import has_added
from unembed.store.schema import LENS_CHECK
from unembed.store.tables import RunTables
from unembed.version import __version__

CARD = "README.md"
PICTURES = "pictures"
_SAID = {
    "kurtosis.svg": "How heavy the tails of each bank's logit weights are",
    "classes.svg": "Of which class the features of each bank are",
}
_SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"),
          (1e7, "1M<n<10M"), (1e8, "10M<n<100M"))  # fmt: skip
_ADDED = {
    LENS_CHECK: "how well each lens tells what features do (`unembed lens check`)",
    f"{STEERING}/*.parquet": "what features did when they were added to the model",
    f"{NEURONPEDIA}/*/*.parquet": "what Neuronpedia says of features, as it was fetched",
}
_MOST_BANKS = 100
"""Rows of the card's tables; a run of more says how many there are."""
_EXAMPLES = 8
_TOKENS = 6


@dataclass(frozen=True)
class About:
    """What the maker of a run says of it.

    Attributes:
        title: of the page; the model's and the banks' names, unless given.
        licence: its identifier on the hub, such as `cc-by-4.0`; none is said unless given. What the
            tables hold was computed from others' weights and word lists, each with its own terms.
        note: a paragraph or more, in Markdown.
    """

    title: str | None = None
    licence: str | None = None
    note: str | None = None


def card(
    run: RunTables,
    about: About,
    pictures: Iterable[str],
    place: str,
    inside: str = "",
) -> str:
    """Return the text of `README.md`: YAML for the hub's own pages, then Markdown for people.

    Args:
        run: that is published, with its manifest as it goes out.
        about: what its maker says.
        pictures: names of those beside it.
        place: where it will be, `hf:org/name`.
        inside: the folder in the repository, where it is not the root.
    """
    manifest = run.manifest
    head = yaml.safe_dump(_front_matter(run, about, inside), sort_keys=False, allow_unicode=True)
    title = shown(about.title or _title(manifest))
    parts = [
        f"---\n{head}---\n\n# {title}\n",
        _first(manifest),
        shown_note(about.note),
        _how(place, run),
        *(f"![{_SAID.get(name, name)}]({PICTURES}/{name})\n" for name in pictures),
        _banks(run),
        _examples(run),
        _provenance(manifest),
        _tables(run),
        _licence(about),
    ]
    return "\n".join(part for part in parts if part)


def _title(manifest: Manifest) -> str:
    """Return what the run is of, in its sides: what features write, what they read, or both."""
    verbs = " and ".join("read" if reads else "write" for reads in manifest.sides)
    return f"What features of {manifest.unembedding.name_of_model} {verbs}"


def shown_note(note: str | None) -> str:
    """Return a note as it stands on the page."""
    return f"{note.strip()}\n" if note and note.strip() else ""


def _front_matter(run: RunTables, about: About, inside: str) -> dict[str, Any]:
    before = f"{inside}/" if inside else ""
    tables = RunFiles(run.manifest)
    found: dict[str, Any] = {
        "pretty_name": shown(about.title or f"unembed: {run.model}"),
        **({"license": about.licence} if about.licence else {}),
        "tags": ["unembed", "interpretability", "sparse-autoencoder", "logit-lens"],
        "size_categories": [_size(run.manifest.features)],
    }
    configs = [("features", f"{FEATURES}/*.parquet")]
    if run.is_explained:
        configs.append(("explanations", "explanations/*.parquet"))
    if run.has_enrichment:
        configs += [("enrichment", "enrichment/pairs/*.parquet")]
    configs += [(path.removesuffix(".parquet"), path)
                for path in tables.of_run if path.endswith(".parquet")]  # fmt: skip
    found["configs"] = [
        {
            "config_name": name,
            "data_files": f"{before}{files}",
            **({"default": True} if not at else {}),
        }
        for at, (name, files) in enumerate(configs)
    ]
    return found


def _size(features: int) -> str:
    return next((name for most, name in _SIZES if features < most), "n>100M")


def _first(manifest: Manifest) -> str:
    unembedding, tested = manifest.unembedding, manifest.enrichment
    sets = f", tested against {tested.token_sets:,} named token sets" if tested else ""
    return (
        f"{_kind_of_weights(manifest)} of **{manifest.features:,} features** in "
        f"{len(manifest.banks)} bank{'s' * (len(manifest.banks) != 1)} against the "
        f"{unembedding.tokens:,} tokens of `{_code(unembedding.name_of_model)}`{sets}: "
        f"{_does(manifest)}, read from weights alone. Of every feature the exact moments of "
        "its weights over all tokens, a histogram and the tokens at both ends. Made with "
        f"[unembed](https://pypi.org/project/unembed/) {manifest.unembed_version}.\n"
    )


def _kind_of_weights(manifest: Manifest) -> str:
    kinds = {False: "logit weights", True: "readings"}
    return " and ".join(kinds[reads] for reads in manifest.sides).capitalize()


def _does(manifest: Manifest) -> str:
    does = {
        False: "what each feature promotes and suppresses",
        True: "which tokens' embeddings each feature reads, and which it is turned from",
    }
    return "; ".join(does[reads] for reads in manifest.sides)


def _how(place: str, run: RunTables) -> str:
    first = run.scalars["feature"][0]
    return (
        "## How to open it\n\n"
        "Only what is looked at is fetched, and each piece of it is verified:\n\n"
        "```sh\n"
        f"pip install 'unembed[explore]'\nunembed explore {place}\nunembed show {place} {first}\n"
        "```\n\n"
        "```python\nimport unembed\n\n"
        f'run = unembed.Run.open("{place}")\nrun.feature("{first}")\n'
        "run.features  # a polars frame\n"
        "```\n\n"
        "The tables are plain Parquet: the hub's viewer shows them, and polars, pandas and DuckDB "
        f"read them, as `{place.replace('hf:', 'hf://datasets/', 1)}/{FEATURES}/*.parquet`.\n"
    )


def _banks(run: RunTables) -> str:
    spread = banks_at_a_glance(run).head(_MOST_BANKS)
    facts = {bank.name: bank for bank in run.manifest.banks}
    rows = [
        (
            f"`{_code(row['bank'])}`", f"{row['features']:,}", facts[row["bank"]].layer,
            f"`{_code(facts[row['bank']].hook or '')}`" if facts[row["bank"]].hook else "",
            run.manifest.lens_of(facts[row["bank"]]), _number(row["kurtosis_median"]),
            _number(row["kurtosis_max"]),
        )
        for row in spread.iter_rows(named=True)
    ]  # fmt: skip
    heads = ("bank", "features", "layer", "hook", "lens", "kurtosis, median", "largest")
    more = len(run.banks) - spread.height
    return "## Banks\n\n" + _table(heads, rows) + (f"\n{more:,} more banks.\n" if more > 0 else "")


def _examples(run: RunTables) -> str:
    if not run.is_explained:
        return ""
    found = list_features(run, where="label is not null", limit=_EXAMPLES)
    rows = [
        (f"`{_code(row['feature'])}`", _cell(row["label"]), _number(row["kurtosis"]),
         " ".join(f"`{_code(token)}`" for token in _outermost(row)))
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    if not rows:
        return ""
    return "## Some features\n\n" + _table(
        ("feature", "label", "kurtosis", "outermost tokens"), rows
    )


def _outermost(row: Mapping[str, Any]) -> Sequence[str]:
    heavier = "bottom_tokens" if (row["skewness"] or 0) < 0 else "top_tokens"
    return (row[heavier] or [])[:_TOKENS]


def _provenance(manifest: Manifest) -> str:
    unembedding = manifest.unembedding
    origin = unembedding.preparation.get("origin") or {}
    rows = [("unembedding", _origin(origin), f"`{unembedding.sha256[:16]}…`")]
    if embedding := manifest.embedding:
        place = embedding.preparation.get("origin") or origin
        rows.append(("embedding", _origin(place), f"`{embedding.sha256[:16]}…`"))
    rows += [(f"`{_code(bank.name)}`", _origin_of(bank), f"`{bank.sha256[:16]}…`")
             for bank in manifest.banks[:_MOST_BANKS]]  # fmt: skip
    lenses = {bank.lens.sha256: bank.lens for bank in manifest.banks if bank.lens}
    rows += [(f"lens `{_code(lens.name)}`, layer {lens.layer}", _origin(lens.origin),
              f"`{digest[:16]}…`") for digest, lens in lenses.items()]  # fmt: skip
    said = {key: value for key, value in unembedding.preparation.items() if key != "origin"}
    settings = asdict(manifest.settings)
    return (
        "## What it was made of\n\n"
        + _table(("", "from", "SHA-256 of the weights as used"), rows)
        + f"\nPreparation of W_U: `{_code(json.dumps(said, ensure_ascii=False))}`  \n"
        f"Settings: `{_code(json.dumps(settings))}`  \n"
        f"Vocabulary: {_cell(unembedding.vocabulary)}  \n"
        f"Run: `{manifest.digest}`, schema {manifest.schema_version}, made by unembed "
        f"{manifest.unembed_version}, published by {__version__}\n\n"
        "`manifest.json` says all of it. No weights are in this repository: what needs them "
        "(every logit weight, likeness, contrasts) reads them from where they came from.\n"
    )


def _origin_of(bank: BankFacts) -> str:
    origin = bank.origin or {}
    said = _origin({**(origin.get("model") or {}), **origin})
    steps = "; ".join(bank.steps)
    return f"{said} ({_cell(steps)})" if steps else said


def _origin(origin: Mapping[str, Any]) -> str:
    """Return where weights came from, in a cell."""
    inside = "/".join(str(origin[key]) for key in ("subfolder", "file") if origin.get(key))
    if "repo" in origin:
        repo, commit = str(origin["repo"]), str(origin.get("commit", ""))
        at = f" at `{_code(commit[:12])}`" if commit else ""
        of = f" `{_code(inside)}`" if inside else ""
        return f"[`{_code(repo)}`](https://huggingface.co/{_cell(repo)}){at}{of}"
    if "path" in origin:
        return _cell("/".join(filter(None, [str(origin["path"]), inside])))
    return "arrays in memory"


def _tables(run: RunTables) -> str:
    rows = [
        ("`features/*.parquet`", "one row a feature: statistics, histogram, tokens at both ends")
    ]
    if run.is_explained:
        rows.append(("`explanations/*.parquet`", "class and label of every feature, and why"))
    if run.has_enrichment:
        rows += [
            ("`enrichment/pairs/*.parquet`", "the significant pairs of feature and token set"),
            ("`token_sets.parquet`", "every token set: name, source, definition, tokens"),
            ("`null/*.parquet`", "what random directions do"),
        ]
    rows += [(f"`{path}`", said) for path, said in _ADDED.items() if _has(run, path)]
    rows += [
        ("`tokens.parquet`", "id, text and bytes of every token"),
        ("`published/`", "hashes of all pieces, and what lets one feature be opened alone"),
    ]
    return "## Tables\n\n" + _table(("file", "holds"), rows)


def _has(run: RunTables, path: str) -> bool:
    """Return whether the run was given such a table, or one in such a folder."""
    given = (table for table in RunFiles(run.manifest).added if has_added(run.path, table))
    return any(fnmatch(table, path) for table in given)


def _licence(about: About) -> str:
    if about.licence:
        return ""
    return (
        "## Licence\n\nWhoever published this has not said under which terms. The tables were "
        "computed from the weights named above and from word lists with licences of their own "
        "(`token_sets.parquet`, column `source`).\n"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [
        f"| {' | '.join('' if each is None else str(each) for each in row)} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return a text that changes nothing of the page around it."""
    plain = shown(text).replace("\\", "\\\\").replace("|", "\\|")
    for sign in "<>[]*_`":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _code(text: str) -> str:
    """Return a text that stands between backticks."""
    return shown(text).replace("`", "ˋ").replace("|", "\\|").replace("\n", "↵")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
