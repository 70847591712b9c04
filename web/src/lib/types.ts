// What the paths of the explorer's server answer. Features, sets and tokens are numbers: a
// feature's row in the run, a set's place in `Sets`, a token's row in `Tokens`.

export interface Envelope {
  kurtosis_above: number;
  skewness_below: number;
  skewness_above: number;
  left_tail_above: number;
  right_tail_above: number;
}

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
}

export interface RunFacts {
  name: string;
  model: string;
  lens: "logit" | "cosine";
  tokens: number;
  vocabulary: number;
  unembed_version: string;
  features: number;
  /** Features in a page of `api.rows`. */
  page: number;
  classes: string[];
  bin_edges: number[];
  banks: Bank[];
  summary: Record<string, number | string | null>[];
  has_sets: boolean;
  is_explained: boolean;
  weight: string | null;
  max_q: number | null;
  classes_by_bank: ({ bank: string; labelled: number } & Record<string, number | string>)[] | null;
  discoveries: {
    pairs: number;
    passing: Record<string, number>;
    classical: Record<string, number> | null;
    nulls: Record<
      string,
      {
        directions: number;
        z_sd: { min: number; median: number; max: number };
        beyond_1_percent: number;
      }
    >;
  } | null;
}

export interface TokenWeight {
  id: number;
  token: string;
  weight: number;
}

export interface Part {
  token_set: string;
  family: string;
  size: number;
  z: number;
  [name: string]: number | string | null;
}

export interface Case extends Envelope {
  class: string | null;
  label: string | null;
  left_tail: number | null;
  right_tail: number | null;
  partition_set: string | null;
  partition_r2: number | null;
  parts: Part[];
  rejected: (Part & { reason: string; by?: string })[];
  variance_explained: number | null;
  kurtosis_left: number | null;
  covered_top: number | null;
  covered_bottom: number | null;
  settings: Record<string, number>;
}

export interface Feature {
  feature: string;
  row: number;
  model: string;
  lens: string;
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
  class: string | null;
  label: string | null;
  percentiles: Record<"std" | "skewness" | "kurtosis", number | null>;
  top: TokenWeight[];
  bottom: TokenWeight[];
  /** Counts in the bins of z: below, between and above `RunFacts.bin_edges`. */
  histogram: number[] | null;
  case: Case | null;
  /** Its strongest sets, one list a score, the largest |z| first. TSEA's are null for most. */
  sets:
    | ({
        set: number[];
        /** Of all the tested ones, not only of these. */
        passing: number;
        tested: number;
      } & Record<
        | "z"
        | "log10_p"
        | "log10_q"
        | "es"
        | "peak"
        | "auroc"
        | "nes"
        | "log10_p_directions"
        | "log10_p_tokens",
        (number | null)[]
      >)
    | null;
}

export interface Nearest {
  feature: string[];
  cosine: number[];
  class: (string | null)[];
  label: (string | null)[];
  top_tokens: (string[] | null)[];
  bottom_tokens: (string[] | null)[];
}

export interface Sets {
  name: string[];
  family: string[];
  size: number[];
  /** Features that promote and suppress it at the run's max_q. */
  promoting: number[];
  suppressing: number[];
  /** The number of the set that has this other name. */
  aliases: Record<string, number>;
  aside: { name: string[]; family: string[]; set_aside: string[] };
}

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

export interface Tokens {
  id: number[];
  text: string[];
}

export interface Token {
  row: number;
  id: number;
  text: string;
  bytes: string;
  sets: number[];
}

export interface Layers {
  model: string;
  banks: ({
    bank: string;
    kind: string;
    layer: number | null;
    features: number;
    flat: number;
  } & Record<string, number | string | null>)[];
  classes: { bank: string; class: string; features: number; share: number }[] | null;
  max_q: number | null;
  sets:
    | {
        token_set: string;
        family: string;
        size: number;
        alike: number;
        bank: string;
        layer: number | null;
        promoting: number;
        suppressing: number;
        promoted: number;
        suppressed: number;
        share: number;
      }[]
    | null;
}
