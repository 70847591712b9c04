import { describe, expect, it } from "vitest";
import { inBox, inLasso } from "../../src/lib/cloud/points";
import { cloud, numbers } from "./some";

describe("selecting", () => {
  const points = cloud([1, 2, 3, NaN, 2], [1, 2, 3, 2, 2], [1, 1, 1, 1, 0]);

  it("takes what is in a rectangle", () => {
    expect([...inBox(points, { x0: 1.5, x1: 3, y0: 0, y1: 3 })]).toEqual([1, 2]);
    expect([...inBox(points, { x0: 8, x1: 9, y0: 8, y1: 9 })]).toEqual([]);
  });

  it("takes what is within a line, also one with a bay", () => {
    const square = cloud([1, 5, 9, 5], [5, 5, 5, 1]);
    // A U: the middle above its floor is outside.
    const bay = [0, 0, 10, 0, 10, 10, 7, 10, 7, 3, 3, 3, 3, 10, 0, 10];
    expect([...inLasso(square, bay)]).toEqual([0, 2, 3]);
  });

  it("agrees with the rectangle for a rectangular line", () => {
    const many = { x: numbers(500, 8), y: numbers(500, 9), shown: null };
    const line = [0.2, 0.3, 0.7, 0.3, 0.7, 0.8, 0.2, 0.8];
    const box = { x0: 0.2, x1: 0.7, y0: 0.3, y1: 0.8 };
    expect(inLasso(many, line)).toEqual(inBox(many, box));
  });
});
