// The running sum of token set enrichment analysis, as src/unembed/enrichment/running_sum.py has it.
export type Weight = "none" | "normal-scores" | "magnitude";

/** Tokens by logit weight, the highest first, equal ones in order; identical rows stand together. */
export interface Ranking {
  /** Token rows in order. */
  rows: Int32Array;
  /** Of each token row, from 0. */
  rank: Int32Array;
  /** Of each rank, where the tokens of its row of W_U begin, mostly itself, and where they end. */
  starts: Int32Array;
  stops: Int32Array;
}

export interface RunningSum {
  /** Tokens passed: 0, just before and just after each member (or identical rows), all. Straight
   * between. */
  places: Int32Array;
  /** The sum there; 0 at both ends. */
  heights: Float64Array;
  /** The members' places in the ranking, from 1, ascending. */
  ranks: Int32Array;
  /** The height of largest magnitude with its sign; + promotes. */
  es: number;
  /** After how many tokens it is there. */
  peak: number;
}

/** `ties` are pairs: a row of W_U that is identical to others, and the first of these. */
export function ranking(weights: Float32Array, ties: Int32Array = new Int32Array()): Ranking {
  const rows = Int32Array.from(weights.keys());
  const first = rows.slice();
  for (let at = 0; at < ties.length; at += 2) first[ties[at]] = ties[at + 1];
  rows.sort(
    (one, other) => weights[other] - weights[one] || first[one] - first[other] || one - other,
  );
  const rank = new Int32Array(rows.length);
  rows.forEach((row, at) => (rank[row] = at));
  const starts = rows.map((row) => rank[first[row]]);
  const stops = new Int32Array(rows.length);
  for (let at = rows.length - 1; at >= 0; at--)
    stops[at] = starts[at + 1] === starts[at] ? stops[at + 1] : at + 1;
  return { rows, rank, starts, stops };
}

/** The running sum of a set of m of n tokens; null for none or all, which have none. */
export function runningSum(
  weights: Float32Array,
  ranking: Ranking,
  members: Int32Array,
  weight: Weight = "none",
): RunningSum | null {
  const { rank, starts, stops } = ranking;
  const [n, m] = [weights.length, members.length];
  if (m === 0 || m >= n) return null;
  const passed = members.map((row) => rank[row]).sort();
  const gains = shares(sizes(weights, ranking, passed, weight));
  const [places, heights] = [[0], [0]];
  let gained = 0;
  passed.forEach((at, member) => {
    // Identical rows are passed in one step.
    const isFirst = member === 0 || starts[passed[member - 1]] !== starts[at];
    const isLast = member === m - 1 || starts[passed[member + 1]] !== starts[at];
    if (isFirst) {
      places.push(starts[at]);
      heights.push(gained - (starts[at] - member) / (n - m));
    }
    gained += gains[member];
    if (isLast) {
      places.push(stops[at]);
      heights.push(gained - (stops[at] - member - 1) / (n - m));
    }
  });
  places.push(n);
  heights.push(0);
  const [top, bottom] = [ofMost(heights, 1), ofMost(heights, -1)];
  const at = heights[top] >= -heights[bottom] ? top : bottom;
  return {
    places: Int32Array.from(places),
    heights: Float64Array.from(heights),
    ranks: passed.map((p) => p + 1),
    es: heights[at],
    peak: places[at],
  };
}

/** What each member weighs: the same, or by rank, or by how far its logit weight is from the mean. */
function sizes(
  weights: Float32Array,
  { rows, starts, stops }: Ranking,
  passed: Int32Array,
  weight: Weight,
): Float64Array {
  const n = weights.length;
  if (weight === "normal-scores") {
    const found = new Float64Array(passed.length);
    passed.forEach((at, member) => {
      const isFirst = member === 0 || starts[passed[member - 1]] !== starts[at];
      found[member] = isFirst ? meanScore(starts[at], stops[at], n) : found[member - 1];
    });
    return found;
  }
  if (weight === "none") return new Float64Array(passed.length).fill(1);
  const mean = weights.reduce((sum, each) => sum + each, 0) / n;
  return Float64Array.from(passed, (at) => Math.abs(weights[rows[at]] - mean));
}

/** The mean of what hits at these ranks weigh by normal scores. */
function meanScore(start: number, stop: number, n: number): number {
  let sum = 0;
  for (let at = start; at < stop; at++) sum += Math.abs(normalQuantile((at + 0.5) / n));
  return sum / (stop - start);
}

/** Each size as a share of all; hits that all weigh nothing weigh alike. */
function shares(each: Float64Array): Float64Array {
  const total = each.reduce((sum, size) => sum + size, 0);
  return each.map((size) => (total > 0 ? size / total : 1 / each.length));
}

function ofMost(heights: number[], sign: 1 | -1): number {
  let most = 0;
  heights.forEach((height, at) => {
    if (sign * height > sign * heights[most]) most = at;
  });
  return most;
}

/** Ranks of the members that carry the score, from the end of the ranking that is nearer. */
export function leadingEdge({ ranks, es, peak }: RunningSum): Int32Array {
  if (es > 0) return ranks.filter((rank) => rank <= peak);
  return es < 0 ? ranks.filter((rank) => rank > peak).reverse() : new Int32Array();
}

/** Which corners to draw: all, or the first, last, highest and lowest in each of some strips. */
export function thinned({ places, heights }: RunningSum, most = 600): number[] {
  if (places.length <= most) return [...places.keys()];
  const strips = Math.floor(most / 4);
  const end = places[places.length - 1] + 1;
  const kept = new Set<number>();
  for (let start = 0, stop = 0; start < places.length; start = stop) {
    const strip = Math.floor((places[start] * strips) / end);
    let [lowest, highest] = [start, start];
    for (; stop < places.length && Math.floor((places[stop] * strips) / end) === strip; stop++) {
      if (heights[stop] < heights[lowest]) lowest = stop;
      if (heights[stop] > heights[highest]) highest = stop;
    }
    for (const at of [start, lowest, highest, stop - 1]) kept.add(at);
  }
  return [...kept].sort((one, other) => one - other);
}

// Acklam's rational approximation of the inverse of the normal distribution; relative error 1e-9.
const CENTRE_TOP = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
  2.506628277459239,
];
const CENTRE_BELOW = [
  -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572,
  1,
];
const TAIL_TOP = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734,
  4.374664141464968, 2.938163982698783,
];
const TAIL_BELOW = [
  0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1,
];
const TAIL = 0.02425;

const polynomial = (coefficients: number[], x: number) =>
  coefficients.reduce((value, coefficient) => value * x + coefficient, 0);

/** Φ⁻¹(p) for 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p > 1 - TAIL) return -normalQuantile(1 - p);
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(TAIL_TOP, q) / polynomial(TAIL_BELOW, q);
  }
  const q = p - 0.5;
  return (q * polynomial(CENTRE_TOP, q * q)) / polynomial(CENTRE_BELOW, q * q);
}
