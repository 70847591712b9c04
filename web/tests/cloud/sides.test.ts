import { describe, expect, it } from "vitest";
import { marginalsOf, outlineOf } from "../../src/lib/cloud/sides";
import { cloud } from "./some";

describe("sides", () => {
  const view = { x0: 0, x1: 100, y0: 0, y1: 100 };

  it("counts along the sides", () => {
    const points = cloud([1, 60, 61, 300], [1, 1, 99, 1]);
    const found = marginalsOf(points, view, [2, 2]);
    expect([...found.x]).toEqual([1, 2]);
    expect([...found.y]).toEqual([2, 1]);
  });

  it("are outlined, the highest bin as far out as there is room", () => {
    const counts = Uint32Array.from([1, 4]);
    expect(outlineOf(counts, 100, 20, false)).toBe("M0,20V15.0H50.0V0.0H100.0V20Z");
    // Upright, the first bin is at the bottom.
    expect(outlineOf(counts, 100, 20, true)).toBe("M0,100H5.0V50.0H20.0V0.0H0Z");
  });
});
