// What the paths of the explorer's server answer. Written by `python scripts/write_api_types.py`:
// change `unembed.explorer.answers`, not this. Features, sets and tokens are numbers: a feature's
// row in the run, a set's place in `Sets`, a token's row in `Tokens`.

export type Lens = "logit" | "cosine";

export type FeatureClass =
  "prediction" | "suppression" | "two-sided" | "partition" | "diffuse" | "dead" | "flat";

export type Reason =
  "chance" | "slight" | "near-duplicate" | "covered" | "rival" | "explained" | "beyond the parts";

export type Differs = "without" | "with" | "strongest" | "set" | "nothing" | "only";

export type ReadPart = "encoder" | "gate" | "up" | "in";

export type Kind = "copies" | "undoes" | "transforms" | "reads only" | "writes only" | "neither";

export type Agreement = "agree" | "differ" | "only explanation" | "only label";

/** What the shapes of random directions stay within (`explanation.Envelope`). */
export interface Envelope {
  kurtosis_above: number;
  skewness_below: number;
  skewness_above: number;
  left_tail_above: number;
  right_tail_above: number;
}

/** One bank of the run. */
export interface Bank {
  name: string;
  kind: string;
  features: number;
  layer: number | null;
  hook: string | null;
  neuronpedia: string | null;
  /** The row of its first feature. */
  start: number;
  /** What random directions were like: a bank's name, `identity`, or null. */
  null: string | null;
  envelope: Envelope | null;
  /** What it is read through, such as `logit` or `jacobian`. */
  lens: string;
  /** What must be known of that, in sentences. */
  notes: string[];
}

/** How one bank's features spread; null where all of them are flat. */
export interface Summary {
  bank: string;
  features: number;
  flat: number;
  std_median: number | null;
  skewness_p1: number | null;
  skewness_median: number | null;
  skewness_p99: number | null;
  kurtosis_median: number | null;
  kurtosis_p99: number | null;
  kurtosis_max: number | null;
}

/** How many of one bank's features are of each class, and have a label that names a set. */
export interface ClassCounts {
  prediction: number;
  suppression: number;
  "two-sided": number;
  partition: number;
  diffuse: number;
  dead: number;
  flat: number;
  bank: string;
  labelled: number;
}

/** Of the standard deviation of z, over token sets. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** What one bank's random directions say of the direction test. */
export interface NullFacts {
  directions: number;
  z_sd: Spread;
  beyond_1_percent: number;
}

/** What a check of a bank's test found (`enrichment.checks`). */
export interface CheckFacts {
  name: string;
  measured: number;
  limit: number;
  holds: boolean;
}

/** What would pass if tokens changed places, by false discovery rate. */
export interface PermutedFacts {
  pairs: Record<string, number>;
  features: Record<string, number>;
  error: Record<string, number>;
}

/** How many features and pairs pass, by false discovery rate, and how far to trust that. */
export interface Discoveries {
  pairs: number;
  passing: Record<string, number>;
  features: Record<string, number> | null;
  permuted: PermutedFacts | null;
  classical: Record<string, number> | null;
  classical_error: Record<string, number> | null;
  classical_features: number | null;
  nulls: Record<string, NullFacts>;
  checks: Record<string, CheckFacts[]>;
}

/** How often one bank's labels pick their feature out of ten of its class; chance is a tenth. */
export interface BankExam {
  bank: string;
  labelled: number;
  /** Of how many labelled features; at most 2,000 are drawn. */
  asked: number;
  picked: number | null;
  rate: number | null;
  /** Classes with less than ten labelled features, which are not asked. */
  too_few: FeatureClass[];
}

/** `run.json`: what every view needs to know. */
export interface RunFacts {
  name: string;
  model: string;
  lens: Lens;
  /** Whether the final norm was taken into W_U. */
  folded: boolean;
  tokens: number;
  vocabulary: number;
  unembed_version: string;
  features: number;
  /** Features in a page of rows. */
  page: number;
  classes: FeatureClass[];
  bin_edges: number[];
  banks: Bank[];
  summary: Summary[];
  has_sets: boolean;
  is_explained: boolean;
  /** The kinds that `columns/agreement.bin` has numbers of; null where nothing was fetched. */
  agreement: Agreement[] | null;
  weight: string | null;
  max_q: number | null;
  classes_by_bank: ClassCounts[] | null;
  label_exam: BankExam[] | null;
  discoveries: Discoveries | null;
}

/** `rows/PAGE.json`: one entry a feature of the page. */
export interface Rows {
  start: number;
  label: (string | null)[];
  top: (string[] | null)[];
  bottom: (string[] | null)[];
}

/** One of a feature's outermost tokens. */
export interface TokenWeight {
  id: number;
  token: string;
  weight: number;
}

/** A token set that a label names. */
export interface Part {
  token_set: string;
  family: string;
  size: number;
  z: number;
  partial_z: number | null;
  core_of: string | null;
  log10_p: number | null;
  given_the_others_log10_p: number | null;
  log10_q: number | null;
  z_without_one: number | null;
  z_without_two: number | null;
  rests_on: number | null;
  es: number | null;
  peak: number | null;
  auroc: number | null;
}

/** A significant token set that a label does not name. */
export interface Rejected {
  token_set: string;
  family: string;
  size: number;
  z: number;
  partial_z: number | null;
  reason: Reason;
  by: string | null;
}

/** What decided (`ExplanationSettings`). */
export interface CaseSettings {
  max_q: number;
  envelope: number;
  split_variance: number;
  dead_below: number;
  parts: number;
  least_tokens: number;
  least_variance: number;
}

/** What a feature's class and label rest on. */
export interface Case {
  class: FeatureClass | null;
  label: string | null;
  kurtosis_above: number;
  skewness_below: number;
  skewness_above: number;
  left_tail_above: number;
  right_tail_above: number;
  left_tail: number | null;
  right_tail: number | null;
  partition_set: string | null;
  partition_r2: number | null;
  log10_p: number | null;
  log10_q: number | null;
  parts: Part[];
  rejected: Rejected[];
  variance_explained: number | null;
  kurtosis_left: number | null;
  covered_top: number | null;
  covered_bottom: number | null;
  /** Without how many of the outermost tokens the right tail is ordinary. */
  tail_tokens_top: number | null;
  tail_tokens_bottom: number | null;
  /** The chance that a random direction's words belong together as much; of silent features. */
  log10_p_words_top: number | null;
  log10_p_words_bottom: number | null;
  /** Those that belong together, the outermost first. */
  words_top: string[] | null;
  words_bottom: string[] | null;
  /** Of how many tokens at either end these are shares. */
  outermost: number;
  settings: CaseSettings;
}

/** A feature's strongest sets, one list a score, the largest |z| first. */
export interface SetsOfFeature {
  set: number[];
  z: number[];
  log10_p: number[];
  log10_q: number[];
  /** TSEA's, from here on, are null for most. */
  es: (number | null)[];
  peak: (number | null)[];
  auroc: (number | null)[];
  nes: (number | null)[];
  log10_p_directions: (number | null)[];
  log10_p_tokens: (number | null)[];
  /** Of all the tested ones, not only of these. */
  passing: number;
  tested: number;
}

/** Where a feature lies among those of its bank. */
export interface Percentiles {
  std: number | null;
  skewness: number | null;
  kurtosis: number | null;
}

/** What sets a labelled feature apart from the nearest of those that carry the same label. */
export interface Collision {
  /** The label without its numbers. */
  writes: string;
  /** Features of the bank that carry it, itself among them. */
  carriers: number;
  /** What sets it apart, in words. */
  apart: string;
  differs: Differs;
  /** The word, a token, or the token set by which it differs. */
  what: string | null;
  sign: "+" | "-" | null;
  z: number | null;
  z_of_nearest: number | null;
  /** Others that carry the label and are like the feature in that. */
  sharing: number | null;
  nearest: string[] | null;
  nearness: number[] | null;
  by: "cosine" | "words" | null;
}

/** What takes a feature from its layer to the last one. */
export interface LayerLens {
  name: string;
  kind: string;
  /** Whose output's directions it takes; −1 for the embedding. */
  layer: number;
  n_prompts: number | null;
  notes: string[];
}

/** Of which part of a feature its tokens are, where they are what it reads. */
export interface Reads {
  part: ReadPart;
  /** The name of the bank that the same features write. */
  bank: string;
  notes: string[];
}

/** How far what a feature reads and what it writes agree. */
export interface Sides {
  /** Of what it writes. */
  feature: string;
  bank: string;
  index: number;
  /** The same feature by what it reads. */
  reads: string;
  part: ReadPart;
  lens: string;
  kind: Kind;
  correlation: number | null;
  z: number | null;
  p: number | null;
  /** The token set that both sides pass with. */
  shared: string | null;
  shared_z: number | null;
  label_read: string | null;
  label_written: string | null;
}

/** A feature through another lens of the run, or by its other side. */
export interface OtherLens {
  class: FeatureClass | null;
  feature: string;
  lens: string;
  /** Of what it reads. */
  part: ReadPart | null;
  label: string | null;
}

/** An explanation of what a feature fires on, and who wrote it. */
export interface FiresOn {
  text: string;
  model: string | null;
  type: string | null;
}

/** A text that a feature fires on, around the token that it fires on most. */
export interface FiringText {
  value: number;
  at: number;
  tokens: string[];
  values: number[];
}

/** What Neuronpedia says of a feature; null of what was not fetched. */
export interface Beside {
  source: string;
  density: number | null;
  max_activation: number | null;
  explanations: FiresOn[] | null;
  texts: FiringText[] | null;
  agreement: Agreement | null;
  /** How they agree: by a token of a set that the label names, an outermost one, its words. */
  by: ("set" | "outermost" | "name")[] | null;
  /** Of the explanation, by which they agree. */
  words: string[] | null;
  /** The share of the bank's explanations that would agree with it. */
  chance: number | null;
}

/** `features/BANK/INDEX.json`. */
export interface Feature {
  class: FeatureClass | null;
  feature: string;
  bank: string;
  index: number;
  layer: number | null;
  row: number;
  model: string;
  folded: boolean;
  lens: string;
  through: LayerLens | null;
  reads: Reads | null;
  /** The same feature through the run's other lenses, and by its other side. */
  other_lenses: OtherLens[];
  hook: string | null;
  /** What its direction went through on the way to the residual stream, such as W_O. */
  steps: string[];
  neuronpedia: string | null;
  embed: string | null;
  mean: number;
  std: number;
  skewness: number | null;
  kurtosis: number | null;
  min: number;
  max: number;
  norm: number;
  log10_density: number | null;
  label: string | null;
  collision: Collision | null;
  sides: Sides[];
  beside: Beside | null;
  partition_set: string | null;
  partition_r2: number | null;
  tail_tokens_top: number | null;
  tail_tokens_bottom: number | null;
  log10_p_words_top: number | null;
  log10_p_words_bottom: number | null;
  percentiles: Percentiles;
  top: TokenWeight[];
  bottom: TokenWeight[];
  /** Counts in the bins of z: below, between and above `RunFacts.bin_edges`. */
  histogram: number[] | null;
  case: Case | null;
  sets: SetsOfFeature | null;
}

/** `features/BANK/INDEX/nearest.json`: one entry a feature, the nearest first. */
export interface Nearest {
  class: (FeatureClass | null)[];
  feature: string[];
  cosine: number[];
  label: (string | null)[];
  top_tokens: (string[] | null)[];
  bottom_tokens: (string[] | null)[];
}

/** Sets that were not tested, with the reason. */
export interface Aside {
  name: string[];
  family: string[];
  set_aside: string[];
}

/** `sets.json`: one entry a tested set. */
export interface Sets {
  name: string[];
  family: string[];
  size: number[];
  /** Features that promote it at the run's max_q, and that suppress it. */
  promoting: number[];
  suppressing: number[];
  /** The number of the set that has this other name. */
  aliases: Record<string, number>;
  aside: Aside;
}

/** `sets/NUMBER.json`. */
export interface SetFacts {
  set: number;
  name: string;
  family: string;
  size: number;
  description: string | null;
  source: string | null;
  definition: string | null;
  aliases: string[];
  words: number | null;
  missed: number | null;
  promoting: number;
  suppressing: number;
}

/** `tokens.json`: one entry a token that takes part. */
export interface Tokens {
  id: number[];
  text: string[];
}

/** `tokens/ROW.json`. */
export interface Token {
  row: number;
  id: number;
  text: string;
  bytes: string;
  sets: number[];
}

/** Percentiles of three statistics over one bank; null where all features are flat. */
export interface BankSpread {
  bank: string;
  kind: string;
  layer: number | null;
  lens: string;
  features: number;
  flat: number;
  std_p1: number | null;
  std_p5: number | null;
  std_p25: number | null;
  std_p50: number | null;
  std_p75: number | null;
  std_p95: number | null;
  std_p99: number | null;
  std_min: number | null;
  std_max: number | null;
  skewness_p1: number | null;
  skewness_p5: number | null;
  skewness_p25: number | null;
  skewness_p50: number | null;
  skewness_p75: number | null;
  skewness_p95: number | null;
  skewness_p99: number | null;
  skewness_min: number | null;
  skewness_max: number | null;
  kurtosis_p1: number | null;
  kurtosis_p5: number | null;
  kurtosis_p25: number | null;
  kurtosis_p50: number | null;
  kurtosis_p75: number | null;
  kurtosis_p95: number | null;
  kurtosis_p99: number | null;
  kurtosis_min: number | null;
  kurtosis_max: number | null;
  /** Features with at least one set, in runs that have them. */
  with_set?: number;
}

/** How many of one bank's features are of one class. */
export interface ClassOfBank {
  class: FeatureClass | null;
  bank: string;
  kind: string;
  layer: number | null;
  lens: string;
  features: number;
  share: number;
}

/** How many of one bank's features write one set. */
export interface SetOfBank {
  token_set: string;
  family: string;
  size: number;
  /** Sets that were left out as nearly the same. */
  alike: number;
  bank: string;
  kind: string;
  layer: number | null;
  lens: string;
  promoting: number;
  suppressing: number;
  promoted: number;
  suppressed: number;
  share: number;
}

/** `layers.json`: the banks by depth. */
export interface Layers {
  model: string;
  banks: BankSpread[];
  classes: ClassOfBank[] | null;
  max_q: number | null;
  sign: string | null;
  sets: SetOfBank[] | null;
}

/** `report.json`, of a report: the features that have views in it. */
export interface Report {
  features: string[];
}
