import { describe, expect, it } from "vitest";
import { evenly, percentile, shift, split, storedBars, varianceOf } from "../src/lib/histogram";

const weights = Float32Array.of(-1, -0.5, 0, 0.5, 1, 3);
const members = Int32Array.of(4, 5);
const std = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

describe("split", () => {
  it("bins every token once, in its group", () => {
    const found = split(weights, members, 4);
    expect([...found.edges]).toEqual([-1, 0, 1, 2, 3]);
    expect([...found.others.counts]).toEqual([2, 2, 0, 0]);
    expect([...found.inside.counts]).toEqual([0, 0, 1, 1]);
    expect([found.inside.mean, found.others.mean]).toEqual([2, -0.25]);
  });

  it("takes no set", () => {
    const found = split(weights, null);
    expect(found.inside.size).toBe(0);
    expect(found.inside.mean).toBeNaN();
    expect(found.others.counts.reduce((sum, each) => sum + each)).toBe(6);
  });

  it("takes weights that are all the same", () => {
    const found = split(new Float32Array(5).fill(2), Int32Array.of(0), 3);
    expect([...found.others.counts]).toEqual([0, 4, 0]);
    expect(found.edges[0]).toBeLessThan(found.edges[3]);
  });

  it("says how far the means are apart", () => {
    expect(shift(split(weights, members), 0.5)).toBeCloseTo(4.5);
  });
});

describe("varianceOf", () => {
  it("is 1 less the share that is left about the two means", () => {
    const left = weights.map((weight, row) => weight - (row < 4 ? -0.25 : 2));
    const expected = 1 - (std(left) / std(weights)) ** 2;
    expect(varianceOf(weights, members, std(weights))).toBeCloseTo(expected, 6);
  });

  it("is 1 where the set is all there is", () => {
    const steps = Float32Array.of(0, 0, 0, 1, 1);
    expect(varianceOf(steps, Int32Array.of(3, 4), std(steps))).toBeCloseTo(1, 6);
  });
});

describe("storedBars", () => {
  it("leaves out empty ends and closes the open bins", () => {
    expect(storedBars([0, 2, 0, 5], [-1, 0, 1], [-0.5, 7])).toEqual([
      { from: -1, to: 0, count: 2 },
      { from: 0, to: 1, count: 0 },
      { from: 1, to: 7, count: 5 },
    ]);
    expect(storedBars([0, 0], [0], [0, 0])).toEqual([]);
  });
});

describe("evenly", () => {
  it("keeps both ends", () => {
    expect(evenly(3, 5)).toEqual([0, 1, 2]);
    expect(evenly(1000, 5)).toEqual([0, 250, 500, 749, 999]);
  });
});

describe("percentile", () => {
  it("counts equal values half and leaves out NaN", () => {
    expect(percentile(Float32Array.of(0.1, 0.2, NaN, 0.2, 0.3), 0.2)).toBe(50);
    expect(percentile(Float32Array.of(1, 2, 3, 4), 4)).toBe(87.5);
  });
});
