// Logit weights in bins, the tokens of a set told from all others.
import type { ScaleOptions } from "@observablehq/plot";
import { count } from "./text";

/** Tokens that are binned together. */
export interface Group {
  /** Tokens in each bin. */
  counts: Uint32Array;
  size: number;
  /** NaN for no token. */
  mean: number;
}

export interface Split {
  /** One more than there are bins. */
  edges: Float64Array;
  inside: Group;
  others: Group;
}

const BINS = 100;

/** Bin weights from the lowest to the highest; `members` are the set's places in them. */
export function split(weights: Float32Array, members: Int32Array | null, bins = BINS): Split {
  const [low, high] = extent(weights);
  const edges = Float64Array.from(
    { length: bins + 1 },
    (_, at) => low + ((high - low) * at) / bins,
  );
  const isInside = new Uint8Array(weights.length);
  for (const row of members ?? []) isInside[row] = 1;
  const groups = [0, 1].map(() => ({ counts: new Uint32Array(bins), size: 0, sum: 0 }));
  weights.forEach((weight, row) => {
    const group = groups[isInside[row]];
    // The highest weight lies on the last edge, and belongs to the bin below it.
    const bin = Math.floor(((weight - low) / (high - low)) * bins);
    group.counts[Math.min(bin, bins - 1)]++;
    group.size++;
    group.sum += weight;
  });
  const [others, inside] = groups.map(({ counts, size, sum }) => ({
    counts,
    size,
    mean: size ? sum / size : NaN,
  }));
  return { edges, inside, others };
}

function extent(weights: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const weight of weights) {
    if (weight < low) low = weight;
    if (weight > high) high = weight;
  }
  // A feature that writes the same to all tokens still has a bin of some width.
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** The set's mean, less that of all other tokens, in standard deviations of all. */
export function shift({ inside, others }: Split, std: number): number {
  return (inside.mean - others.mean) / std;
}

/** The share of the variance (R²) that one set alone explains, as groups of a one-way ANOVA. */
export function varianceOf(weights: Float32Array, members: Int32Array, std: number): number {
  const found = split(weights, members, 1);
  const n = weights.length;
  return ((found.inside.size * found.others.size) / n ** 2) * shift(found, std) ** 2;
}

export interface Bar {
  from: number;
  to: number;
  count: number;
}

/**
 * Bars of a stored histogram, from the first with tokens to the last.
 *
 * Its outer bins are open: they end where the weights do, `ends`, in the unit of the edges.
 */
export function storedBars(counts: number[], edges: number[], ends: [number, number]): Bar[] {
  const all = [Math.min(ends[0], edges[0]), ...edges, Math.max(ends[1], edges.at(-1)!)];
  const bars = counts.map((count, at) => ({ from: all[at], to: all[at + 1], count }));
  const first = counts.findIndex((count) => count > 0);
  return first < 0 ? [] : bars.slice(first, counts.findLastIndex((count) => count > 0) + 1);
}

/** Places in `length` values to show: all, or both ends and evenly some between. */
export function evenly(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, at) => at);
  return Array.from({ length: most }, (_, at) => Math.round((at * (length - 1)) / (most - 1)));
}

/** The share of values in percent that are lower, equal ones counted half; NaN are left out. */
export function percentile(values: Float32Array, value: number): number {
  const sought = Math.fround(value);
  let [below, equal, known] = [0, 0, 0];
  for (const each of values) {
    if (Number.isNaN(each)) continue;
    known++;
    if (each < sought) below++;
    else if (each === sought) equal++;
  }
  return (100 * (below + equal / 2)) / known;
}

/** The axis of counts from one token to `most` in a bin, a tick for each power of ten. */
export const logCounts = (floor: number, most: number): ScaleOptions => ({
  type: "log",
  label: "tokens in bin",
  domain: [floor, 1.3 * most],
  ticks: [1, 10, 100, 1_000, 10_000, 100_000].filter((tick) => tick <= most),
  tickFormat: count,
  grid: true,
});
