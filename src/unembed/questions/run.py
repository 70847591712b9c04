"""`Run`: a finished run, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from unembed import questions
from unembed.questions.display import Explorer, display
from unembed.questions.explanation import explain
from unembed.questions.feature import feature_row
from unembed.questions.pairs import Sign, list_pairs
from unembed.questions.same_label import collisions
from unembed.questions.steering import steering
from unembed.store.tables import RunTables

if TYPE_CHECKING:
    from unembed.enrichment import LeadingEdge
    from unembed.enrichment.running_sum import RunningSum
    from unembed.questions.readings import LogitWeights


class FeatureRow(dict[str, Any]):
    """One feature's row of `Run.features`; a notebook shows it as a card."""

    def _repr_html_(self) -> str:
        return display().feature_html(self)


class Run(RunTables):
    """One analysis on disk: feature banks against one unembedding.

    Attributes:
        path: the run folder; of a run on the hub, the one that stands for it here.
        manifest: what it was made of (`manifest.json`).
        elsewhere: what a run on the hub is called there, None for one in a folder.
    """

    def feature(self, address: str) -> FeatureRow:
        """Return one feature's row, with `top_tokens` and `bottom_tokens` as text.

        A notebook shows it as a card.

        Args:
            address: `bank/index`, such as `mlp.26/1329`; the bank may be left out of a run
                with only one.

        Raises:
            QueryError: when the run has no such feature.
        """
        return FeatureRow(feature_row(self, address))

    def explain(self, address: str) -> dict[str, Any]:
        """Return what is known of one feature's class and label, and what they rest on.

        `class`, `label`; the cut-offs `kurtosis_above`, `skewness_below`, `skewness_above`;
        `partition_set`, `partition_r2`; `parts`, the token sets that are named, and `rejected`,
        significant ones that are not, with the reason; `variance_explained`, `kurtosis_left`,
        `covered_top` and `covered_bottom`; `tail_tokens_top` and `tail_tokens_bottom`, without how
        few of the outermost tokens a heavy tail is ordinary; and where no set is named of a heavy
        tail `words_top`, `words_bottom`, the outermost words that belong together, with
        `log10_p_words_top`, `log10_p_words_bottom`, the chance that a random direction's do so.

        Args:
            address: `bank/index`.

        Raises:
            QueryError: when the run has no such feature, or was made without token sets.
        """
        return explain(self, address)

    def collisions(
        self,
        feature: str | Sequence[str] | None = None,
        *,
        bank: str | Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Return how many features carry each one's label, and what sets it apart from these.

        Of some features in the order given; or of all, the labels that most features carry first. A
        feature without a label has no row.

        Args:
            feature: `bank/index`, or several.
            bank: only features of this bank, or of these, if no feature is named.

        Returns:
            feature, bank, index; writes, the label without its numbers; carriers, how many of the
            bank carry it; apart, what sets the feature apart from the nearest of them, in words;
            differs, what, sign, z, z_of_nearest, sharing, the same in columns; nearest, nearness,
            by.

        Raises:
            QueryError: when the run has no such feature or bank, or was made without token sets.
        """
        return collisions(self, feature, bank=bank)

    def steering(self, feature: str | Sequence[str] | None = None) -> pl.DataFrame:
        """Return what features did when they were added to the model, of those that were.

        A row for each feature and strength, as `unembed.steer` returns them and the run keeps them.

        Args:
            feature: `bank/index`, or several; all that were steered, if None.

        Raises:
            QueryError: when the run has no such feature.
            RunError: when a table is damaged.
        """
        return steering(self, feature)

    def enrichment(
        self,
        feature: str | Sequence[str] | None = None,
        *,
        token_set: str | None = None,
        family: str | Sequence[str] | None = None,
        bank: str | Sequence[str] | None = None,
        sign: Sign | None = None,
        max_q: float | None = None,
        tsea: bool = False,
    ) -> pl.DataFrame:
        """Return pairs of features and token sets with their scores, strongest first.

        Of one feature, or some, or one token set, every pair, unless max_q says otherwise; else the
        significant ones, q up to the run's own max_q. TSEA's columns are kept for those only, and
        null for others, unless they are asked for. The false discovery rate is each bank's own,
        over all of its pairs.

        Args:
            feature: `bank/index`, or several.
            token_set: a set's name or alias.
            family: only sets of this family, such as `grammar` or `time`, or of these.
            bank: only features of this bank, or of these.
            sign: `+` promotes, `-` suppresses.
            max_q: largest q-value.
            tsea: read TSEA of the other pairs too, of features that are named; the weights are read
                again as for `logit_weights`.

        Returns:
            feature, bank, index, token_set, family, size; z, log10_p, log10_q of the direction
            test, z_without_one, z_without_two, rests_on (what is left of it without the strongest
            members); es, peak, auroc, nes, log10_p_directions, log10_p_tokens of TSEA.

        Raises:
            QueryError: when the run has no such feature, set, family or bank, or no enrichment, or
                TSEA is asked for and no feature named.
            SourceError: when TSEA is asked for, and the run's sources are gone, or changed.
        """
        return list_pairs(
            self, feature, token_set=token_set, family=family, bank=bank, sign=sign, max_q=max_q,
            tsea=tsea,
        )  # fmt: skip

    def logit_weights(self, feature: str) -> LogitWeights:
        """Return the logit weights of one feature over all n tokens: their ids, and the weights.

        The model's unembedding and the feature's bank are read again from where the run says they
        came from, once for any number of calls, and must be what they were.

        Args:
            feature: `bank/index`.

        Raises:
            QueryError: when the run has no such feature.
            SourceError: when its sources are not there any more, or changed.
        """
        return questions.logit_weights(self, feature)

    def running_sum(self, feature: str, token_set: str) -> RunningSum:
        """Return the running sum whose peak is the enrichment score of a feature and token set.

        Args:
            feature: `bank/index`; weights are read again as for `logit_weights`.
            token_set: a set's name or alias.

        Raises:
            QueryError: when the run has no such feature or set, or the feature writes nothing.
            SourceError: when its sources are not there any more, or changed.
        """
        return questions.running_sum_of(self, feature, token_set)

    def leading_edge(self, feature: str, token_set: str) -> LeadingEdge:
        """Return the members of a token set that make its enrichment score in a feature.

        A feature that writes nothing has none.

        Args:
            feature: `bank/index`; weights are read again as for `logit_weights`.
            token_set: a set's name or alias.

        Raises:
            QueryError: when the run has no such feature or set.
            SourceError: when its sources are not there any more, or changed.
        """
        return questions.leading_edge(self, feature, token_set)

    def check(self) -> pl.DataFrame:
        """Return what is found of every file of the run, all of which is read again.

        Returns:
            file, verdict, bytes, rows, problem (`unembed.check_run`).

        Raises:
            RunError: when the folder is no run any more, or its manifest is damaged.
        """
        return questions.check_run(self.place)

    def explore(self, *, port: int | None = None, height: int = 900) -> Explorer:
        """Return the explorer of this run, which a notebook shows in the cell.

        It runs as long as the program, or until `stop`. Needs `pip install 'unembed[explore]'`.

        Args:
            port: to listen at; any that is free, unless given.
            height: of the cell, in pixels.

        Raises:
            UnembedError: when the port is taken, or the extra is not installed.
        """
        return display().explore(self, port=port, height=height)

    def _repr_html_(self) -> str:
        return display().run_html(self)
