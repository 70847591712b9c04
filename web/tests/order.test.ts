import { describe, expect, it } from "vitest";
import { ordered } from "../src/lib/order";
import { floats, numbers } from "./cloud/some";

describe("order", () => {
  const values = floats(3, -1, NaN, 0, -0, 1e-9, -2e5, 3);
  const rows = [0, 1, 2, 3, 4, 5, 6, 7];

  it("rises or falls, with what has no value last, and equal ones as they were", () => {
    expect([...ordered(rows, values, false)]).toEqual([6, 1, 3, 4, 5, 0, 7, 2]);
    expect([...ordered(rows, values, true)]).toEqual([0, 7, 5, 3, 4, 1, 6, 2]);
    expect([...ordered([2, 7, 1], values, true)]).toEqual([7, 1, 2]);
  });

  it("is that of a comparison", () => {
    const many = numbers(2000, 10).map((value) => (value - 0.5) * 1e3);
    const all = Int32Array.from(many.keys());
    const slow = Int32Array.from(all).sort((one, other) => many[one] - many[other]);
    expect(ordered(all, many, false)).toEqual(slow);
  });
});
