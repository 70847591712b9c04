import { describe, expect, it } from "vitest";
import {
  leadingEdge,
  normalQuantile,
  ranking,
  runningSum,
  thinned,
  type Weight,
} from "../src/lib/runningsum";

/** Numbers in (0, 1) that are the same in every test run. */
function* drawn(seed = 1) {
  for (let state = seed; ;) yield (state = (state * 16807) % 2147483647) / 2147483647;
}

function example(n: number, m: number, seed: number) {
  const numbers = drawn(seed);
  const next = () => numbers.next().value as number;
  // Rounded, so that there are ties.
  const weights = Float32Array.from({ length: n }, () => Math.round(40 * (next() - 0.3)) / 8);
  const members = new Set<number>();
  while (members.size < m) members.add(Math.floor(next() * n));
  return { weights, members: Int32Array.from(members).sort() };
}

/** The definition (Subramanian et al. 2005), a token at a time. */
function naive(weights: Float32Array, members: Int32Array, size: (weight: number) => number) {
  const tokens = [...weights.keys()].sort((a, b) => weights[b] - weights[a] || a - b);
  const inside = new Set(members);
  const total = [...members].reduce((sum, row) => sum + size(weights[row]), 0);
  let [sum, es, peak] = [0, 0, 0];
  const heights = [0];
  tokens.forEach((row, at) => {
    sum += inside.has(row) ? size(weights[row]) / total : -1 / (weights.length - members.length);
    heights.push(sum);
    if (Math.abs(sum) > Math.abs(es) + 1e-12) [es, peak] = [sum, at + 1];
  });
  return { es, peak, heights };
}

describe("runningSum", () => {
  it.each([1, 2, 3, 4, 5])("agrees with the definition (%i)", (seed) => {
    const { weights, members } = example(200, 5 + 7 * seed, seed);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const sizes: [Weight, (weight: number) => number][] = [
      ["none", () => 1],
      ["magnitude", (weight) => Math.abs(weight - mean)],
    ];
    for (const [weight, size] of sizes) {
      const found = runningSum(weights, ranking(weights), members, weight)!;
      const expected = naive(weights, members, size);
      expect(found.es).toBeCloseTo(expected.es, 10);
      expect(found.peak).toBe(expected.peak);
      found.places.forEach((place, at) =>
        expect(found.heights[at]).toBeCloseTo(expected.heights[place], 10),
      );
    }
  });

  it("weighs hits by normal scores", () => {
    // Ranks 1 and 3 of 4: |Φ⁻¹(1/8)| and |Φ⁻¹(5/8)| are 1.150349 and 0.318639.
    const weights = Float32Array.of(4, 3, 2, 1);
    const found = runningSum(weights, ranking(weights), Int32Array.of(0, 2), "normal-scores")!;
    const first = 1.15034938 / (1.15034938 + 0.31863936);
    expect(found.es).toBeCloseTo(first, 8);
    expect(found.heights[3]).toBeCloseTo(first - 0.5, 8);
    expect(found.peak).toBe(1);
  });

  it("is 1 for the highest tokens and −1 for the lowest", () => {
    const weights = Float32Array.of(5, 4, 3, 2, 1);
    const ranked = ranking(weights);
    const [up, down] = [Int32Array.of(0, 1), Int32Array.of(3, 4)];
    expect(runningSum(weights, ranked, up)).toMatchObject({ es: 1, peak: 2 });
    expect(runningSum(weights, ranked, down)).toMatchObject({ es: -1, peak: 3 });
  });

  it("is positive where both ends are as far away", () => {
    const weights = Float32Array.of(4, 3, 2, 1);
    expect(runningSum(weights, ranking(weights), Int32Array.of(0, 3))!.es).toBe(0.5);
  });

  it("is none for no token or all", () => {
    const weights = Float32Array.of(1, 2);
    expect(runningSum(weights, ranking(weights), Int32Array.of())).toBeNull();
    expect(runningSum(weights, ranking(weights), Int32Array.of(0, 1))).toBeNull();
  });
});

describe("identical rows of W_U", () => {
  const ROWS = [3, 4, 17, 60, 61, 62, 63, 64, 65, 66, 150];
  const ties = Int32Array.from(ROWS.flatMap((row) => [row, ROWS[0]]));

  function tied(seed: number) {
    const { weights, members } = example(200, 40, seed);
    for (const row of ROWS) weights[row] = weights[ROWS[0]];
    return { weights, members };
  }

  /** The definition, a block at a time: all tied tokens in one step. */
  function inSteps(weights: Float32Array, members: Int32Array) {
    const first = (row: number) => (ROWS.includes(row) ? ROWS[0] : row);
    const tokens = [...weights.keys()].sort(
      (a, b) => weights[b] - weights[a] || first(a) - first(b) || a - b,
    );
    const inside = new Set(members);
    const heights = new Map([[0, 0]]);
    let sum = 0;
    tokens.forEach((row, at) => {
      sum += inside.has(row) ? 1 / members.length : -1 / (weights.length - members.length);
      if (at + 1 === tokens.length || first(tokens[at + 1]) !== first(row))
        heights.set(at + 1, sum);
    });
    return heights;
  }

  it.each([1, 2, 3, 4, 5, 6])("are passed in one step (%i)", (seed) => {
    const { weights, members } = tied(seed);
    const found = runningSum(weights, ranking(weights, ties), members)!;
    const heights = inSteps(weights, members);
    found.places.forEach((place, at) =>
      expect(found.heights[at]).toBeCloseTo(heights.get(place)!, 10),
    );
    const most = Math.max(...[...heights.values()].map(Math.abs));
    expect(Math.abs(found.es)).toBeCloseTo(most, 10);
    expect(heights.get(found.peak)).toBeCloseTo(found.es, 10);
  });

  it.each(["none", "normal-scores", "magnitude"] as const)("may change places (%s)", (weight) => {
    const { weights } = tied(9);
    const ranked = ranking(weights, ties);
    const read = (...of: number[]) => {
      const members = Int32Array.from([...of, 20, 21, 22, 23, 100]).sort();
      const { places, heights, es, peak } = runningSum(weights, ranked, members, weight)!;
      return { places, heights, es, peak };
    };
    expect(read(3, 17, 60)).toEqual(read(65, 66, 150));
    expect(read(3, 17, 60).es).not.toBe(read(65, 66).es);
  });

  it("weigh the mean of their places by normal scores", () => {
    // Ranks 1 and 2 of 4 are tied: (1.150349 + 0.318639) / 2 each.
    const weights = Float32Array.of(5, 5, 2, 1);
    const ranked = ranking(weights, Int32Array.of(0, 0, 1, 0));
    const found = runningSum(weights, ranked, Int32Array.of(1, 3), "normal-scores")!;
    const first = 0.734494 / (0.734494 + 1.15034938);
    expect([...found.places]).toEqual([0, 0, 2, 3, 4, 4]);
    expect(found.heights[2]).toBeCloseTo(first - 0.5, 6);
  });
});

describe("leadingEdge", () => {
  it("goes from the nearer end to the peak", () => {
    const weights = Float32Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1);
    const edge = (...members: number[]) => [
      ...leadingEdge(runningSum(weights, ranking(weights), Int32Array.from(members))!),
    ];
    expect(edge(0, 1, 8)).toEqual([1, 2]);
    expect(edge(0, 7, 8)).toEqual([9, 8]);
  });
});

describe("thinned", () => {
  it("keeps ends, the peak and few corners of many", () => {
    const { weights, members } = example(20000, 4000, 7);
    const found = runningSum(weights, ranking(weights), members)!;
    const kept = thinned(found, 400);
    expect(kept.length).toBeLessThanOrEqual(404);
    expect([kept[0], kept.at(-1)]).toEqual([0, found.places.length - 1]);
    expect(kept.map((at) => found.heights[at])).toContain(found.es);
    expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
  });

  it("keeps all of few", () => {
    const weights = Float32Array.of(3, 2, 1);
    const found = runningSum(weights, ranking(weights), Int32Array.of(1))!;
    expect(thinned(found)).toEqual([0, 1, 2, 3]);
  });
});

describe("normalQuantile", () => {
  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.01, -2.326347874040841],
    [0.00001, -4.264890793922825],
  ])("of %d is %d", (p, expected) => expect(normalQuantile(p)).toBeCloseTo(expected, 7));
});
