"""What an assistant can ask of a run: each tool is one question, with a bounded answer.

The docstrings and the descriptions of arguments are what the model reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from unembed import questions
from unembed.assistant.answers import MOST_ROWS, MOST_TOKENS, answer, picked, rows
from unembed.questions.banks import classes_by_bank, spread_by_bank
from unembed.questions.lenses import compare_lenses
from unembed.questions.run import Run

Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="How many rows at most.")]
Skip = Annotated[int, Field(ge=0, description="How many rows to leave out first.")]
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS, description="Tokens of either end.")]
Bank = Annotated[
    str | None, Field(description="Only this bank, such as mlp.26; `banks` lists them.")
]
Address = Annotated[str, Field(description="A feature's address, bank/index, such as mlp.26/1329.")]
SetName = Annotated[
    str, Field(description="A token set's name or alias; `token_sets` finds the names.")
]
Sign = Annotated[
    Literal["+", "-"] | None, Field(description="+ only what promotes, - only what suppresses.")
]
_FOUND = (
    "feature", "class", "label", "kurtosis", "skewness", "set_z", "set_log10_q", "contrast_z",
    "contrast_log10_q", "token_z", "token_weight", "token_rank", "cosine", "top_tokens",
    "bottom_tokens",
)  # fmt: skip
_OF_FEATURE = (
    "feature", "lens", "hook", "class", "label", "std", "skewness", "kurtosis", "percentiles",
    "reads", "other_lenses", "sides", "neuronpedia",
)  # fmt: skip
_PAIR = ("feature", "token_set", "family", "size", "z", "log10_q", "rests_on", "auroc")
_CASE = (
    "feature", "class", "label", "kurtosis", "skewness", "parts", "variance_explained",
    "kurtosis_left", "covered_top", "covered_bottom", "words_top", "words_bottom", "partition_set",
    "partition_r2",
)  # fmt: skip
_REJECTED = 10
_SETS = 20


class Tools:
    """The questions of one run.

    Args:
        run: a finished run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    def summary(self) -> dict[str, Any]:
        """What this run is: the model, its banks of features, and where to begin.

        A feature is a direction written into the model's residual stream; its logit weights say
        which tokens it promotes and suppresses. Lists the features with the heaviest tails and the
        strongest token sets, with their addresses. Ask this first.
        """
        whole = questions.overview(self.run, n_features=6)
        enrichment = whole["enrichment"] or {}
        names = ("feature", "class", "label", "kurtosis", "skewness")
        ends = {
            end: [picked(row, names) for row in whole[end][:MOST_ROWS]]
            for end in ("prediction", "suppression")
        }
        strongest = [picked(row, _PAIR) for row in enrichment.get("strongest", [])[:MOST_ROWS]]
        content = {
            **{name: whole[name] for name in ("model", "tokens", "lens")},
            "banks": whole["banks"][:MOST_ROWS],
            "classes": (whole["classes"] or [])[:MOST_ROWS],
            "token_sets": enrichment.get("token_sets"),
            "strongest_sets": strongest,
            **{f"most_{end}_like": found for end, found in ends.items()},
        }
        return answer(content)

    def banks(self, limit: Limit = 20, skip: Skip = 0) -> dict[str, Any]:
        """The banks of features, in order of depth: layer, lens, hook, size, and spread.

        `std`, `skewness` and `kurtosis` are percentiles over a bank's features (normal: skewness 0,
        kurtosis 3).
        """
        spread = spread_by_bank(self.run)
        hooks = {bank.name: bank.hook for bank in self.run.manifest.banks}
        hook = pl.col("bank").replace_strict(hooks, return_dtype=pl.String)
        names = [
            "bank", "layer", "lens", "features", "flat", "std_p50", "skewness_p1", "skewness_p99",
            "kurtosis_p50", "kurtosis_p99", "kurtosis_max",
        ]  # fmt: skip
        found = spread.select(names).with_columns(hook=hook)
        return answer(rows(found.slice(skip), limit))

    def find_features(
        self,
        token_set: Annotated[
            str | None, Field(description="Features that promote or suppress this token set.")
        ] = None,
        contrast: Annotated[
            tuple[str, str] | None,
            Field(description="Two token sets: features that promote one against the other."),
        ] = None,
        token: Annotated[
            str | None,
            Field(description="Features that promote this token most; spaces count: ' Paris'."),
        ] = None,
        like: Annotated[
            str | None, Field(description="Features whose logit weights are like this feature's.")
        ] = None,
        feature_class: Annotated[
            str | None,
            Field(description="prediction, suppression, two-sided, partition, diffuse, dead, flat"),
        ] = None,
        layer: Annotated[int | None, Field(description="Only banks of this layer.")] = None,
        lens: Annotated[str | None, Field(description="Only banks read through this lens.")] = None,
        bank: Bank = None,
        where: Annotated[
            str | None,
            Field(description="An SQL condition: kurtosis > 10 and label like '%months%'."),
        ] = None,
        sign: Sign = None,
        max_q: Annotated[float | None, Field(ge=0, le=1, description="Largest q-value.")] = None,
        limit: Limit = 10,
        tokens: Tokens = 6,
    ) -> dict[str, Any]:
        """Find features by what they do: by token set, contrast, token, likeness, class, layer.

        Criteria combine; the first given of token_set, contrast, token and like ranks, the
        strongest first, and adds its scores (z: how far beyond random directions). Without any,
        kurtosis ranks. `contrast`, `token` and `like` read the weights, which takes seconds the
        first time, and needs them where the run was made from.
        """
        found = questions.find(
            self.run, token_set=token_set, contrast=contrast, token=token, like=like,
            feature_class=feature_class, layer=layer, lens=lens, bank=bank, where=where, sign=sign,
            max_q=max_q, limit=limit + 1, tokens=tokens,
        )  # fmt: skip
        names = [name for name in _FOUND if name in found.columns]
        content = rows(found, limit, names)
        if "more" in content:
            content["more"] = "yes"  # how many is not counted
        return answer(content)

    def feature(self, address: Address, tokens: Tokens = 10) -> dict[str, Any]:
        """One feature: its label, statistics, outermost tokens with weights, and token sets.

        `label` says in words what it promotes or suppresses, with z and q, or that it does as
        random directions do. `percentiles` are among its bank. `token_sets` are the strongest by
        |z|, whether significant (log10_q) or not.
        """
        facts = questions.feature_facts(self.run, address)
        ends = {
            end: [[each["token"], each["weight"]] for each in facts[end][:tokens]]
            for end in ("top", "bottom")
        }
        sets = [picked(each, _PAIR[1:]) for each in (facts["token_sets"] or [])[:10]]
        apart = (facts["collision"] or {}).get("apart")
        return answer({**picked(facts, _OF_FEATURE), **ends, "apart": apart, "token_sets": sets})

    def explain(self, address: Address) -> dict[str, Any]:
        """The case for one feature's label, and the significant sets that it does not name.

        `parts`: each set that it names, given the others (`partial_z`); how much of the variance,
        the kurtosis and the outermost tokens they explain; and what was rejected, with the reason.
        """
        case = questions.explanation_facts(self.run, address)
        rejected = case["rejected"] or []
        ends = {end: (case[end] or [])[:MOST_TOKENS] for end in ("top_tokens", "bottom_tokens")}
        left_out = len(rejected) - _REJECTED
        content = {
            **picked(case, _CASE), **ends, "rejected": rejected[:_REJECTED],
            **({"more_rejected": left_out} if left_out > 0 else {}),
        }  # fmt: skip
        return answer(content)

    def sets_of_feature(
        self,
        address: Address,
        family: Annotated[
            str | None, Field(description="Only sets of this family, such as grammar or names.")
        ] = None,
        sign: Sign = None,
        limit: Limit = 20,
    ) -> dict[str, Any]:
        """The token sets that one feature moves most, strongest first.

        z > 0: promoted, z < 0: suppressed, in standard deviations of random directions; `log10_q`
        below -2: significant at a false discovery rate of 1 %.
        """
        found = questions.list_pairs(self.run, address, family=family, sign=sign)
        return answer(rows(found, limit, _PAIR[1:]))

    def token_sets(
        self,
        name: Annotated[
            str | None, Field(description="Only names or descriptions that hold this text.")
        ] = None,
        family: Annotated[str | None, Field(description="Only this family, such as names.")] = None,
        limit: Limit = 30,
        skip: Skip = 0,
    ) -> dict[str, Any]:
        """Token sets that were tested: name, family, size, description.

        Without arguments, the families and how many sets each has.
        """
        tested = self.run.tested_sets
        if name is None and family is None:
            counted = tested.group_by("family").agg(sets=pl.len()).sort("family")
            return answer({"families": dict(counted.iter_rows())})
        if family is not None:
            tested = tested.filter(pl.col("family").is_in(self.run.sets.within(family)))
        if name is not None:
            held = [
                pl.col(column).str.to_lowercase().str.contains(name.lower(), literal=True)
                for column in ("name", "description")
            ]
            tested = tested.filter(pl.any_horizontal(held))
        names = ["name", "family", "size", "description"]
        return answer(rows(tested.slice(skip), limit, names))

    def token_set(self, name: SetName, bank: Bank = None, limit: Limit = 10) -> dict[str, Any]:
        """One token set: what it holds, and the features that promote and suppress it most."""
        info = self.run.sets.info(name)
        members = self.run.token_texts(pl.Series("ids", [info["ids"][:MOST_ROWS]]))[0].to_list()
        pairs = questions.list_pairs(self.run, token_set=name, bank=bank)
        ways = {"promoted_by": pl.col("z") > 0, "suppressed_by": pl.col("z") < 0}
        names = ["feature", "z", "log10_q"]
        strongest = {way: rows(pairs.filter(of), limit, names)["rows"] for way, of in ways.items()}
        described = picked(info, ("name", "family", "description", "size", "aliases"))
        return answer({**described, "members": members, **strongest})

    def compare_lenses(self) -> dict[str, Any]:
        """What each lens sees of the same features: how many are shaped, and have a label.

        The logit lens reads a feature as if nothing happened between its layer and the last; a
        Jacobian lens takes it to the last layer first, and sees more of early ones.
        """
        return answer(rows(compare_lenses(self.run), MOST_ROWS))

    def classes(self, limit: Limit = 50, skip: Skip = 0) -> dict[str, Any]:
        """How many features of each bank are of each class: prediction, suppression and others."""
        found = classes_by_bank(self.run).filter(pl.col("features") > 0)
        names = ["bank", "layer", "lens", "class", "features", "share"]
        return answer(rows(found.slice(skip), limit, names))

    def sets_by_layer(
        self,
        names: Annotated[
            list[str] | None,
            Field(description="Token sets to show; those written most, if none.", max_length=_SETS),
        ] = None,
        family: Annotated[str | None, Field(description="Only sets of this family.")] = None,
        sign: Sign = None,
        limit: Annotated[int, Field(ge=1, le=_SETS, description="Sets at most.")] = 10,
    ) -> dict[str, Any]:
        """Which token sets are written where: of each set and bank, how many features pass.

        `banks`: the name, the share of its features that promote the set, and that suppress it, of
        banks where any does.
        """
        families = None if family is None else [family]
        found = questions.sets_by_bank(self.run, names, family=families, sign=sign, limit=limit)
        of_sets = found.partition_by("token_set", maintain_order=True)
        return answer({"rows": [_by_bank(of_set) for of_set in of_sets[:_SETS]]})


def _by_bank(of_set: pl.DataFrame) -> dict[str, Any]:
    """Return what sets_by_layer says of one set."""
    passing = of_set.filter(pl.col("share") > 0).sort("share", descending=True)
    shares = passing.select("bank", "promoted", "suppressed").head(MOST_ROWS)
    facts = picked(of_set.row(0, named=True), ("token_set", "family", "size"))
    return {**facts, "banks": [list(row) for row in shares.iter_rows()]}


TOOLS = (
    "summary", "banks", "find_features", "feature", "explain", "sets_of_feature", "token_sets",
    "token_set", "compare_lenses", "classes", "sets_by_layer",
)  # fmt: skip
"""The names of the tools, in the order in which they are listed."""
