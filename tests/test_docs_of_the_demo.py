"""What the documents say of the demo is what its run gives."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from scripts import document_classes
from tests.numbers import SLACK, misses, numbers
from unembed import Run, find, follow, load_unembedding, match_banks
from unembed.cli import app
from unembed.demo import MODEL
from unembed.questions import label_exam
from unembed.store.enrichment import permuted_path, read_permuted

ROOT = Path(__file__).parents[1]
SHAPED = pl.col("class").is_in(["prediction", "suppression", "two-sided"])
NAMED = pl.col("labelled")
OWN_WORDS = pl.col("label").str.starts_with("its own words")
BLUNT = (pl.col("kurtosis") > pl.col("kurtosis_above")) & pl.col("skewness").is_between(
    pl.col("skewness_below"), pl.col("skewness_above")
)
SPACE = pl.col("partition_set").str.contains("space")


def plain(run: Run) -> pl.DataFrame:
    """The features through the logit lens, which the text is about where it names no other."""
    return run.features.filter(lens="logit")


def features(run: Run) -> pl.DataFrame:
    assert run.explanations is not None
    return run.features.with_columns(run.explanations.labelled).filter(lens="logit")


def n_sets(run: Run) -> int:
    return int(run.discoveries["pairs"]) // run.features.height


def classes(run: Run) -> dict[str, int]:
    return dict(plain(run).group_by("class").len().rows())


def share(run: Run, what: pl.Expr) -> list[float]:
    """In percent, of each bank's features."""
    shares = plain(run).group_by("bank", maintain_order=True).agg(what.mean())
    return [100 * each for _, each in shares.rows()]


def passing(run: Run) -> list[int]:
    found = run.scalars.filter(10 ** pl.col("log10_q") <= 0.05, lens="logit")
    return [each for _, each in found.group_by("bank", maintain_order=True).len().rows()]


def directions(run: Run, bank: str) -> pl.DataFrame:
    return pl.read_parquet(run.path / "null" / f"{bank}-directions.parquet")


def envelope(run: Run) -> pl.Series:
    return plain(run)["kurtosis_above"]


def tail_beyond_chance(run: Run) -> list[float]:
    sae = plain(run).filter(bank="sae.26")["kurtosis"]
    largest = directions(run, "sae.26")["kurtosis"].max()
    return [share(run, pl.col("kurtosis") > pl.col("kurtosis_above"))[0], sae.max(), largest]


def halves(run: Run) -> list[float]:
    """Covered, and the loss of excess kurtosis: medians over shaped features with a label."""
    rows = features(run).filter(SHAPED & NAMED).select("bank", "index", "kurtosis").rows()
    cases = [(run.explain(f"{bank}/{index}"), kurtosis) for bank, index, kurtosis in rows]
    lost = [100 * (all_ - case["kurtosis_left"]) / (all_ - 3) for case, all_ in cases]
    covered = [max(case["covered_top"] or 0, case["covered_bottom"] or 0) for case, _ in cases]
    return [1 / pl.Series(covered).median(), pl.Series(lost).median()]


def same_labels(run: Run) -> list[int]:
    """Labels, those that several features carry, the most that carry one, and those set apart."""
    found = run.collisions(bank=plain(run)["bank"].unique().to_list())
    several = found.filter(pl.col("carriers") > 1)
    apart = several.filter(pl.col("differs") != "nothing")
    return [found.height, several.height, int(found["carriers"].max()), apart.height]


def one_sided(run: Run) -> int:
    rows = features(run).filter(BLUNT & NAMED).select("bank", "index").rows()
    signs = [{part["z"] > 0 for part in run.explain(f"{b}/{i}")["parts"]} for b, i in rows]
    return sum(len(each) == 1 for each in signs)


def z_of(run: Run, *pairs: tuple[str, str]) -> list[float]:
    return [run.enrichment(feature, token_set=name)["z"][0] for feature, name in pairs]


def contrasts(run: Run, *features: str) -> list[float]:
    found = find(run, contrast=("names:female", "names:male"), limit=20)
    z = dict(found.select("feature", "contrast_z").rows())
    return [z[feature] for feature in features]


def permuted_in(run: Run, bank: str) -> list[float]:
    """How many pairs of a bank would pass at 1 % if tokens changed places, and the error."""
    found = read_permuted(run.path / permuted_path(bank))
    pairs, _, error = found.expected(run.manifest.bank(bank).features)
    return [pairs[0], error[0]]


def opposite(run: Run, feature: str, bank: str) -> list[float]:
    """What is said of a feature's most opposite one in a bank: cosine, z, cut-off, z back."""
    row = follow(run, feature, banks=[bank]).row(0, named=True)
    return [row[f"opposite_{name}"] for name in ("cosine", "z", "cutoff", "z_back")]


CLAIMS: dict[tuple[str, str], Callable[[Run], Sequence[float]]] = {
    ("README.md", "14,336 features, against its 49,135 tokens and 9,546 token sets"): lambda run: [
        plain(run).height, load_unembedding(MODEL).n_tokens, n_sets(run),
    ],
    ("docs/demo.md", "2,449 of the 8,192 features of `sae.26` promote or suppress at least "
     "one of the 9,546 sets; of the neurons of layers 10, 20, 26 and 29, 4, 256, 515 and 870."):
        lambda run: [
        passing(run)[0], 8192, n_sets(run), 10, 20, 26, 29, *passing(run)[1:],
    ],
    ("docs/demo.md", "13 % of the features have a kurtosis over the random directions' 99th "
     "percentile, and the largest is 28.1 against 4.1."): tail_beyond_chance,
    ("docs/enrichment.md", "On the demo's 181 million pairs, at a false discovery rate of 5 %"):
        lambda run: [run.discoveries["pairs"] / 1e6, 5],
    ("docs/enrichment.md", "| random directions (the direction test) | 85,277 | | random sets "
     "of tokens (classical TSEA) | 36.9 ± 0.3 million |"): lambda run: [
        run.discoveries["passing"]["0.05"], run.discoveries["classical"]["0.05"] / 1e6,
        run.discoveries["classical_error"]["0.05"] / 1e6,
    ],
    ("docs/enrichment.md", "On the demo 10,162 ± 586 pairs would pass at 1 %, where 57,017 "
     "do. Nearly half of them, 4,728 ± 398 of 20,160, are in `mlp.29`"): lambda run: [
        run.discoveries["permuted"]["pairs"]["0.01"], run.discoveries["permuted"]["error"]["0.01"],
        1, run.discoveries["passing"]["0.01"], *permuted_in(run, "mlp.29"),
        run.enrichment(bank="mlp.29", max_q=0.01).height,
    ],
    ("docs/enrichment.md", "Of the demo's pairs at 1 %, 3,186 rest on one token, and 8,427 on "
     "two."):
        lambda run: [1, *(
            run.enrichment(max_q=0.01).filter(rests_on=count).height for count in (1, 2)
        )],
    ("docs/explanations.md", "of 1,112 features whose kurtosis is beyond the envelope while "
     "their skewness is not, 786 have a label, and 747 of those name sets on one side only"):
        lambda run: [
            plain(run).filter(BLUNT).height, features(run).filter(BLUNT & NAMED).height,
            one_sided(run),
        ],
    ("docs/explanations.md", "Of the demo's 273 shaped features that no set names 33 are "
     "given their own words"): lambda run: [
        features(run).filter(SHAPED & ~NAMED).height, plain(run).filter(OWN_WORDS).height,
    ],
    ("docs/explanations.md", "3,152 labels 908 are carried by two features of their bank or "
     "more, one by 11; 361 of these are set apart"): same_labels,
    ("docs/explanations.md", "| labels that pick their feature | 99.4 % | – | 97.1 % | 98.8 % "
     "| 98.4 % |"): lambda run: [
        100 * rate for rate in label_exam(run)["rate"][:5].drop_nulls()
    ],
    ("docs/explanations.md", "and lose 57 % of their excess kurtosis"): lambda run: halves(run)[1:],
    ("docs/explanations.md", "Skewness above 3 takes two features of 14,336"): lambda run: [
        3, plain(run).height,
    ],
    ("docs/explanations.md", "explains 54 % of its variance, and its skewness is −0.8"): lambda run:
        [100 * run.feature("mlp.29/729")["partition_r2"], run.feature("mlp.29/729")["skewness"]],
    ("docs/layers.md", "265 of `mlp.26`'s 1,536 neurons have one in `sae.26`"): lambda run: [
        match_banks(run, "mlp.26", "sae.26").pairs["opposite_passes"].sum(), 1536,
    ],
    ("docs/layers.md", "`mlp.26/1329` and its opposite `sae.26/4727` (cosine −0.60) have z −3.8, "
     "within the cut-off of −4.1, and z back −11.2"):
        lambda run: opposite(run, "mlp.26/1329", "sae.26"),
    ("docs/search.md", "`--set names:female` alone gives mlp.29/573 z +7.7 and sae.26/481 +5.0, "
     "against +10.2 and +13.1 here."): lambda run: [
        573, *z_of(run, ("mlp.29/573", "names:female")), 481,
        *z_of(run, ("sae.26/481", "names:female")), *contrasts(run, "mlp.29/573", "sae.26/481"),
    ],
    ("docs/the-post.md", "one in a hundred has a kurtosis above 3.4 to 3.7"): lambda run: [
        envelope(run).min(), envelope(run).max(),
    ],
    ("docs/the-post.md", "Against them, 10 % of the autoencoder's features have a heavy tail, and "
     "of the neurons of layers 10, 20, 26 and 29 2.0 %, 8 %, 18 % and 40 %"): lambda run: [
        share(run, SHAPED)[0], 10, 20, 26, 29, *share(run, SHAPED)[1:],
    ],
    ("docs/the-post.md", "1,228 promote, 598 suppress, 41 do both"): lambda run: [
        classes(run)[name] for name in ("prediction", "suppression", "two-sided")
    ],
    ("docs/the-post.md", "32 in all; 20 of them split leading space, or the case behind it"):
        lambda run: [
            classes(run)["partition"],
            plain(run).filter(pl.col("class") == "partition").filter(SPACE).height,
        ],
    ("docs/the-post.md", "Over the demo's 181 million pairs it claims 36.9 million at a false "
     "discovery rate of 5 %; the direction test, 85,277."): lambda run: [
        run.discoveries["pairs"] / 1e6, run.discoveries["classical"]["0.05"] / 1e6, 5,
        run.discoveries["passing"]["0.05"],
    ],
    ("docs/the-post.md", "that begin with \"o\" (z −8.7, 745 tokens)"): lambda run: [
        *run.enrichment("sae.26/6760", token_set="after_space:o").select("z", "size").row(0),
    ],
    ("docs/the-post.md", "and with \"a\" (z −8.7, 2,330 tokens)"): lambda run: [
        *run.enrichment("sae.26/6760", token_set="after_space:a").select("z", "size").row(0),
    ],
    ("docs/the-post.md", "the 40 tokens of `prefix:out` (z −4.5)"): lambda run: [
        *run.enrichment("sae.26/6760", token_set="prefix:out").select("size", "z").row(0),
    ],
    ("docs/the-post.md", "the median kurtosis is 3.2 to 3.3 in every bank"): lambda run: [
        plain(run).group_by("bank").agg(pl.col("kurtosis").median())["kurtosis"].min(),
        plain(run).group_by("bank").agg(pl.col("kurtosis").median())["kurtosis"].max(),
    ],
    ("docs/gallery.md", "the share of diffuse features falls from 98 % in layer 10 to 59 % in "
     "layer 29"): lambda run: [
        share(run, pl.col("class") == "diffuse")[1], 10,
        share(run, pl.col("class") == "diffuse")[4], 29,
    ],
    ("docs/gallery.md", "with its peak of 0.778"): lambda run: [
        run.enrichment("mlp.29/573", token_set="names:top_female")["es"][0]
    ],
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim[0]}: {claim[1][:40]}")
def test_numbers_in_the_text(claim: tuple[str, str], demo_run: Run) -> None:
    page, text = claim
    written = " ".join((ROOT / page).read_text().split())
    assert text in written, f"{page} says so no more: mend the claim here"
    values = CLAIMS[claim](demo_run)
    said = list(numbers(re.sub(r"99th|`[^`]*`", "", text)))
    assert len(said) == len(values)
    for (number, half), value in zip(said, values, strict=True):
        assert abs(number - value) <= half * 1.001 + SLACK * abs(value), (number, value)


def rows(page: str, pattern: str) -> list[list[str]]:
    found = re.findall(rf"^\| (`?{pattern}.*) \|$", (ROOT / page).read_text(), re.MULTILINE)
    return [re.split(r" \| ", row) for row in found]


def test_the_features_to_look_at(demo_run: Run) -> None:
    for feature, tokens, _ in rows("docs/demo.md", r"sae\.26/\d+` \| .* \| "):
        end = "bottom_tokens" if tokens.startswith("suppresses") else "top_tokens"
        kept = demo_run.feature(feature.strip("`"))[end][:10]
        assert set(re.findall("`([^`]+)`", tokens)) <= set(kept), feature


def test_the_strongest_token_sets(demo_run: Run) -> None:
    found = rows("docs/demo.md", r"(?:sae|mlp)\.\d+/\d+` \| `[^|]*\([+−]")
    assert len(found) == 5
    for feature, sets in found:
        said = re.findall(r"`([^`]+)` \(([^)]+)\)", sets)
        top = demo_run.enrichment(feature.strip("`")).head(len(said))
        assert [name for name, _ in said] == top["token_set"].to_list()
        given = " ".join(f"{z:.3f}" for z in top["z"])
        assert not misses(" ".join(z for _, z in said), given)


def test_the_table_of_fixed_cut_offs(demo_run: Run) -> None:
    """But for its column of cosines."""
    found = rows("docs/explanations.md", r"(?:sae|mlp)\.\d+ \|")
    counts = features(demo_run).group_by("bank", maintain_order=True).agg(
        pl.len(), SHAPED.sum(), (SHAPED & NAMED).sum().alias("named"),
        (pl.col("skewness") > 3).sum().alias("skewed"),
    )  # fmt: skip
    said = [[row[0], *(int(cell.replace(",", "")) for cell in row[1:])] for row in found]
    assert [[*row[:4], row[5]] for row in said] == [list(row) for row in counts.rows()]


def test_the_table_of_the_rules_of_others(demo_run: Run, tmp_path: Path) -> None:
    """All of it, with the cosines made anew; so is the column that the test above leaves out."""
    page = document_classes.PAGE.read_text()
    cosines = document_classes.of_cosines(tmp_path / "cosines")
    assert document_classes.written(page, demo_run, cosines) == page, "run scripts.document_classes"


def test_the_table_of_what_fixed_cut_offs_miss(demo_run: Run) -> None:
    found = rows("docs/explanations.md", r"(?:sae|mlp)\.\d+/\d+` \| \d")
    assert len(found) == 4
    for feature, kurtosis, _, skewness, label, tokens in found:
        facts = demo_run.feature(feature.strip("`"))
        assert not misses(kurtosis, f"{facts['kurtosis']:.4f}")
        assert not misses(skewness, f"{facts['skewness']:.4f}")
        assert label == facts["label"]
        end = "top_tokens" if "promotes" in label else "bottom_tokens"
        assert re.findall("`([^`]+)`", tokens) == facts[end][:3]


COMPARED = "compare RUN --banks sae.26,mlp.26"

PRINTED = [
    ("README.md", "Spread by bank", ""),
    ("docs/enrichment.md", "token set  ", "enrichment RUN mlp.26/1329"),
    ("docs/explanations.md", "mlp.20/1036  ", "explain RUN mlp.20/1036"),
    ("docs/layers.md", "191 ", "match RUN mlp.26 mlp.29"),
    ("docs/compare.md", "sae.26 and mlp.26", COMPARED),
    ("docs/compare.md", "dictionary  features      labelled  ", COMPARED),
    ("docs/search.md", "feature  ", "find RUN --contrast names:female names:male"),
    ("docs/search.md", "> ", "find RUN --like mlp.26/1329 --lens logit --limit 3"),
    ("docs/search.md", "> ", "find RUN --like mlp.26/1329 --lens logit --sign - --limit 2"),
    ("docs/the-post.md", "feature  ", "find RUN --contrast names:top_female names:top_male"),
]


@pytest.mark.parametrize(("page", "start", "command"), PRINTED)
def test_what_is_shown_of_a_command_is_what_it_prints(
    page: str, start: str, command: str, demo: tuple[Path, str]
) -> None:
    """A page may leave out lines, columns, and what follows an ellipsis."""
    folder, printed = demo
    if command:
        words = shlex.split(command.replace("RUN", str(folder)))
        done = CliRunner(env={"COLUMNS": "300"}).invoke(app, words)
        assert done.exit_code == 0, done.output
        printed = done.output
    shown = shown_of(page, start, command)
    assert shown
    for line in shown:
        assert any(holds(each, line) for each in printed.splitlines()), line


def shown_of(page: str, start: str, command: str) -> list[str]:
    """The lines of a page's block that begins so; of a transcript, those under the command."""
    blocks = re.findall(r"```text\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    (block,) = (block for block in blocks if block.startswith(start))
    if start == "> ":
        parts = dict(part.split("\n", 1) for part in block.split("> unembed ")[1:])
        block = parts[command.replace("RUN", "runs/demo")]
    return [line for line in block.splitlines() if line.strip("… ")]


def holds(printed: str, line: str) -> bool:
    """Whether a printed line has each word, and each number, of a line of a page."""
    words = set(printed.split())
    return set(plain_words(line)) <= words and not misses(line, printed)


def plain_words(line: str) -> Iterator[str]:
    for word in line.split():
        if "…" not in word and not list(numbers(word)):
            yield word
