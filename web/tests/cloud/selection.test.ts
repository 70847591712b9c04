import { describe, expect, it } from "vitest";
import type { Scale } from "../../src/lib/cloud/axis";
import { boxBetween, cornersOf, lassoTo, rowsIn } from "../../src/lib/cloud/selection";
import { Viewport } from "../../src/lib/cloud/viewport";
import { cloud } from "./some";

const even: Scale = { kind: "linear", about: 0, near: 1 };
const view = { x0: 0, x1: 10, y0: 0, y1: 10 };
const port = new Viewport({ x: even, y: even }, view, view, { width: 100, height: 100 });
const spot = (x: number, y: number) => ({ x, y });

describe("a selection", () => {
  it("is a rectangle, whichever corner comes first", () => {
    const expected = { kind: "box", of: { x0: 1, x1: 5, y0: 2, y1: 9 } };
    expect(boxBetween(port, spot(10, 10), spot(50, 80))).toEqual(expected);
    expect(boxBetween(port, spot(50, 80), spot(10, 10))).toEqual(expected);
  });

  it("is a line that grows from where it began", () => {
    const first = lassoTo(port, null, spot(0, 100), spot(100, 100));
    expect(first).toEqual({ kind: "lasso", of: [0, 0, 10, 0] });
    const second = lassoTo(port, first, spot(0, 100), spot(100, 0));
    expect(second.of).toEqual([0, 0, 10, 0, 10, 10]);
    expect(cornersOf(port, [0, 0, 10, 2.5])).toBe("0.0,100.0 100.0,75.0");
  });

  it("has the points within, of either kind", () => {
    const points = cloud([1, 8, 9], [5, 5, 1]);
    expect([...rowsIn(points, boxBetween(port, spot(0, 0), spot(85, 100)))]).toEqual([0, 1]);
    expect([...rowsIn(points, { kind: "lasso", of: [0, 0, 10, 0, 10, 10] })]).toEqual([1, 2]);
  });
});
