"""What the explorer's server answers in JSON, key by key: the page is written against these types.

`scripts/write_api_types.py` writes them as TypeScript into `web/src/lib/types.ts`. A test holds the
server's own answers against them: no key may be missing, none too many.

Features, sets and tokens are numbers: a feature's row in the run, a set's place in `Sets`, a
token's row in `Tokens`. What is not known, or is no number, is None.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, with_config
from typing_extensions import NotRequired, TypeAliasType, TypedDict

from unembed.explanation import names
from unembed.facts import Part as _Part
from unembed.questions.kinds import Kind as _Kind
from unembed.questions.same_label import Differs as _Differs

answer = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))

Lens = TypeAliasType("Lens", Literal["logit", "cosine"])
"""Of a whole run: how its W_U was prepared."""
FeatureClass = TypeAliasType("FeatureClass", names.FeatureClass)
Reason = TypeAliasType("Reason", names.Reason)
Differs = TypeAliasType("Differs", _Differs)
ReadPart = TypeAliasType("ReadPart", _Part)
Kind = TypeAliasType("Kind", _Kind)
Agreement = TypeAliasType("Agreement", Literal["agree", "differ", "only explanation", "only label"])
"""Of a feature's explanation on Neuronpedia and its label."""

# A key that is a word of Python's own, or none, cannot be written as a field.
_Class = TypedDict("_Class", {"class": FeatureClass | None})
_Classes = TypedDict("_Classes", {"class": list[FeatureClass | None]})


@answer
class Envelope(TypedDict):
    """What the shapes of random directions stay within (`explanation.Envelope`)."""

    kurtosis_above: float
    skewness_below: float
    skewness_above: float
    left_tail_above: float
    right_tail_above: float


@answer
class Bank(TypedDict):
    """One bank of the run."""

    name: str
    kind: str
    features: int
    layer: int | None
    hook: str | None
    neuronpedia: str | None
    start: int
    """The row of its first feature."""
    null: str | None
    """What random directions were like: a bank's name, `identity`, or None."""
    envelope: Envelope | None
    lens: str
    """What it is read through, such as `logit` or `jacobian`."""
    notes: list[str]
    """What must be known of that, in sentences."""


@answer
class Summary(TypedDict):
    """How one bank's features spread; None where all of them are flat."""

    bank: str
    features: int
    flat: int
    std_median: float | None
    skewness_p1: float | None
    skewness_median: float | None
    skewness_p99: float | None
    kurtosis_median: float | None
    kurtosis_p99: float | None
    kurtosis_max: float | None


_Counts = TypedDict(
    "_Counts",
    {
        "prediction": int,
        "suppression": int,
        "two-sided": int,
        "partition": int,
        "diffuse": int,
        "dead": int,
        "flat": int,
    },
)


@answer
class ClassCounts(_Counts):
    """How many of one bank's features are of each class, and have a label that names a set."""

    bank: str
    labelled: int


@answer
class Spread(TypedDict):
    """Of the standard deviation of z, over token sets."""

    min: float
    median: float
    max: float


@answer
class NullFacts(TypedDict):
    """What one bank's random directions say of the direction test."""

    directions: int
    z_sd: Spread
    beyond_1_percent: float


@answer
class CheckFacts(TypedDict):
    """What a check of a bank's test found (`enrichment.checks`)."""

    name: str
    measured: float
    limit: float
    holds: bool


@answer
class PermutedFacts(TypedDict):
    """What would pass if tokens changed places, by false discovery rate."""

    pairs: dict[str, int]
    features: dict[str, int]
    error: dict[str, int]


@answer
class Discoveries(TypedDict):
    """How many features and pairs pass, by false discovery rate, and how far to trust that."""

    pairs: int
    passing: dict[str, int]
    features: dict[str, int] | None
    permuted: PermutedFacts | None
    classical: dict[str, int] | None
    classical_error: dict[str, int] | None
    classical_features: int | None
    nulls: dict[str, NullFacts]
    checks: dict[str, list[CheckFacts]]


@answer
class BankExam(TypedDict):
    """How often one bank's labels pick their feature out of ten of its class; chance is a tenth."""

    bank: str
    labelled: int
    asked: int
    """Of how many labelled features; at most 2,000 are drawn."""
    picked: float | None
    rate: float | None
    too_few: list[FeatureClass]
    """Classes with less than ten labelled features, which are not asked."""


@answer
class RunFacts(TypedDict):
    """`run.json`: what every view needs to know."""

    name: str
    model: str
    lens: Lens
    folded: bool
    """Whether the final norm was taken into W_U."""
    tokens: int
    vocabulary: int
    unembed_version: str
    features: int
    page: int
    """Features in a page of rows."""
    classes: list[FeatureClass]
    bin_edges: list[float]
    banks: list[Bank]
    summary: list[Summary]
    has_sets: bool
    is_explained: bool
    agreement: list[Agreement] | None
    """The kinds that `columns/agreement.bin` has numbers of; None where nothing was fetched."""
    weight: str | None
    max_q: float | None
    classes_by_bank: list[ClassCounts] | None
    label_exam: list[BankExam] | None
    discoveries: Discoveries | None


@answer
class Rows(TypedDict):
    """`rows/PAGE.json`: one entry a feature of the page."""

    start: int
    label: list[str | None]
    top: list[list[str] | None]
    bottom: list[list[str] | None]


@answer
class TokenWeight(TypedDict):
    """One of a feature's outermost tokens."""

    id: int
    token: str
    weight: float


@answer
class Part(TypedDict):
    """A token set that a label names."""

    token_set: str
    family: str
    size: int
    z: float
    partial_z: float | None
    core_of: str | None
    log10_p: float | None
    given_the_others_log10_p: float | None
    log10_q: float | None
    z_without_one: float | None
    z_without_two: float | None
    rests_on: int | None
    es: float | None
    peak: int | None
    auroc: float | None


@answer
class Rejected(TypedDict):
    """A significant token set that a label does not name."""

    token_set: str
    family: str
    size: int
    z: float
    partial_z: float | None
    reason: Reason
    by: str | None


@answer
class CaseSettings(TypedDict):
    """What decided (`ExplanationSettings`)."""

    max_q: float
    envelope: float
    split_variance: float
    dead_below: float
    parts: int
    least_tokens: int
    least_variance: float


@answer
class Case(_Class):
    """What a feature's class and label rest on."""

    label: str | None
    kurtosis_above: float
    skewness_below: float
    skewness_above: float
    left_tail_above: float
    right_tail_above: float
    left_tail: float | None
    right_tail: float | None
    partition_set: str | None
    partition_r2: float | None
    log10_p: float | None
    log10_q: float | None
    parts: list[Part]
    rejected: list[Rejected]
    variance_explained: float | None
    kurtosis_left: float | None
    covered_top: float | None
    covered_bottom: float | None
    tail_tokens_top: int | None
    """Without how many of the outermost tokens the right tail is ordinary."""
    tail_tokens_bottom: int | None
    log10_p_words_top: float | None
    """The chance that a random direction's words belong together as much; of silent features."""
    log10_p_words_bottom: float | None
    words_top: list[str] | None
    """Those that belong together, the outermost first."""
    words_bottom: list[str] | None
    outermost: int
    """Of how many tokens at either end these are shares."""
    settings: CaseSettings


@answer
class SetsOfFeature(TypedDict):
    """A feature's strongest sets, one list a score, the largest |z| first."""

    set: list[int]
    z: list[float]
    log10_p: list[float]
    log10_q: list[float]
    es: list[float | None]
    """TSEA's, from here on, are None for most."""
    peak: list[int | None]
    auroc: list[float | None]
    nes: list[float | None]
    log10_p_directions: list[float | None]
    log10_p_tokens: list[float | None]
    passing: int
    """Of all the tested ones, not only of these."""
    tested: int


@answer
class Percentiles(TypedDict):
    """Where a feature lies among those of its bank."""

    std: float | None
    skewness: float | None
    kurtosis: float | None


@answer
class Collision(TypedDict):
    """What sets a labelled feature apart from the nearest of those that carry the same label."""

    writes: str
    """The label without its numbers."""
    carriers: int
    """Features of the bank that carry it, itself among them."""
    apart: str
    """What sets it apart, in words."""
    differs: Differs
    what: str | None
    """The word, a token, or the token set by which it differs."""
    sign: Literal["+", "-"] | None
    z: float | None
    z_of_nearest: float | None
    sharing: int | None
    """Others that carry the label and are like the feature in that."""
    nearest: list[str] | None
    nearness: list[float] | None
    by: Literal["cosine", "words"] | None


@answer
class LayerLens(TypedDict):
    """What takes a feature from its layer to the last one."""

    name: str
    kind: str
    layer: int
    """Whose output's directions it takes; −1 for the embedding."""
    n_prompts: int | None
    notes: list[str]


@answer
class Reads(TypedDict):
    """Of which part of a feature its tokens are, where they are what it reads."""

    part: ReadPart
    bank: str
    """The name of the bank that the same features write."""
    notes: list[str]


@answer
class Sides(TypedDict):
    """How far what a feature reads and what it writes agree."""

    feature: str
    """Of what it writes."""
    bank: str
    index: int
    reads: str
    """The same feature by what it reads."""
    part: ReadPart
    lens: str
    kind: Kind
    correlation: float | None
    z: float | None
    p: float | None
    shared: str | None
    """The token set that both sides pass with."""
    shared_z: float | None
    label_read: str | None
    label_written: str | None


@answer
class OtherLens(_Class):
    """A feature through another lens of the run, or by its other side."""

    feature: str
    lens: str
    part: ReadPart | None
    """Of what it reads."""
    label: str | None


@answer
class FiresOn(TypedDict):
    """An explanation of what a feature fires on, and who wrote it."""

    text: str
    model: str | None
    type: str | None


@answer
class FiringText(TypedDict):
    """A text that a feature fires on, around the token that it fires on most."""

    value: float
    at: int
    tokens: list[str]
    values: list[float]


@answer
class Beside(TypedDict):
    """What Neuronpedia says of a feature; None of what was not fetched."""

    source: str
    density: float | None
    max_activation: float | None
    explanations: list[FiresOn] | None
    texts: list[FiringText] | None
    agreement: Agreement | None
    by: list[Literal["set", "outermost", "name"]] | None
    """How they agree: by a token of a set that the label names, an outermost one, its words."""
    words: list[str] | None
    """Of the explanation, by which they agree."""
    chance: float | None
    """The share of the bank's explanations that would agree with it."""


@answer
class Feature(_Class):
    """`features/BANK/INDEX.json`."""

    feature: str
    bank: str
    index: int
    layer: int | None
    row: int
    model: str
    folded: bool
    lens: str
    through: LayerLens | None
    reads: Reads | None
    other_lenses: list[OtherLens]
    """The same feature through the run's other lenses, and by its other side."""
    hook: str | None
    steps: list[str]
    """What its direction went through on the way to the residual stream, such as W_O."""
    neuronpedia: str | None
    embed: str | None
    mean: float
    std: float
    skewness: float | None
    kurtosis: float | None
    min: float
    max: float
    norm: float
    log10_density: float | None
    label: str | None
    collision: Collision | None
    sides: list[Sides]
    beside: Beside | None
    partition_set: str | None
    partition_r2: float | None
    tail_tokens_top: int | None
    tail_tokens_bottom: int | None
    log10_p_words_top: float | None
    log10_p_words_bottom: float | None
    percentiles: Percentiles
    top: list[TokenWeight]
    bottom: list[TokenWeight]
    histogram: list[int] | None
    """Counts in the bins of z: below, between and above `RunFacts.bin_edges`."""
    case: Case | None
    sets: SetsOfFeature | None


@answer
class Nearest(_Classes):
    """`features/BANK/INDEX/nearest.json`: one entry a feature, the nearest first."""

    feature: list[str]
    cosine: list[float]
    label: list[str | None]
    top_tokens: list[list[str] | None]
    bottom_tokens: list[list[str] | None]


@answer
class Aside(TypedDict):
    """Sets that were not tested, with the reason."""

    name: list[str]
    family: list[str]
    set_aside: list[str]


@answer
class Sets(TypedDict):
    """`sets.json`: one entry a tested set."""

    name: list[str]
    family: list[str]
    size: list[int]
    promoting: list[int]
    """Features that promote it at the run's max_q, and that suppress it."""
    suppressing: list[int]
    aliases: dict[str, int]
    """The number of the set that has this other name."""
    aside: Aside


@answer
class SetFacts(TypedDict):
    """`sets/NUMBER.json`."""

    set: int
    name: str
    family: str
    size: int
    description: str | None
    source: str | None
    definition: str | None
    aliases: list[str]
    words: int | None
    missed: int | None
    promoting: int
    suppressing: int


@answer
class Tokens(TypedDict):
    """`tokens.json`: one entry a token that takes part."""

    id: list[int]
    text: list[str]


@answer
class Token(TypedDict):
    """`tokens/ROW.json`."""

    row: int
    id: int
    text: str
    bytes: str
    sets: list[int]


@answer
class BankSpread(TypedDict):
    """Percentiles of three statistics over one bank; None where all features are flat."""

    bank: str
    kind: str
    layer: int | None
    lens: str
    features: int
    flat: int
    std_p1: float | None
    std_p5: float | None
    std_p25: float | None
    std_p50: float | None
    std_p75: float | None
    std_p95: float | None
    std_p99: float | None
    std_min: float | None
    std_max: float | None
    skewness_p1: float | None
    skewness_p5: float | None
    skewness_p25: float | None
    skewness_p50: float | None
    skewness_p75: float | None
    skewness_p95: float | None
    skewness_p99: float | None
    skewness_min: float | None
    skewness_max: float | None
    kurtosis_p1: float | None
    kurtosis_p5: float | None
    kurtosis_p25: float | None
    kurtosis_p50: float | None
    kurtosis_p75: float | None
    kurtosis_p95: float | None
    kurtosis_p99: float | None
    kurtosis_min: float | None
    kurtosis_max: float | None
    with_set: NotRequired[int]
    """Features with at least one set, in runs that have them."""


@answer
class ClassOfBank(_Class):
    """How many of one bank's features are of one class."""

    bank: str
    kind: str
    layer: int | None
    lens: str
    features: int
    share: float


@answer
class SetOfBank(TypedDict):
    """How many of one bank's features write one set."""

    token_set: str
    family: str
    size: int
    alike: int
    """Sets that were left out as nearly the same."""
    bank: str
    kind: str
    layer: int | None
    lens: str
    promoting: int
    suppressing: int
    promoted: float
    suppressed: float
    share: float


@answer
class Layers(TypedDict):
    """`layers.json`: the banks by depth."""

    model: str
    banks: list[BankSpread]
    classes: list[ClassOfBank] | None
    max_q: float | None
    sign: str | None
    sets: list[SetOfBank] | None


@answer
class Report(TypedDict):
    """`report.json`, of a report: the features that have views in it."""

    features: list[str]
