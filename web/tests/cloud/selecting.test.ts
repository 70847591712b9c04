import { beforeEach, describe, expect, it } from "vitest";
import type { Scale } from "../../src/lib/cloud/axis";
import { Selecting } from "../../src/lib/cloud/selecting.svelte";
import { Viewport } from "../../src/lib/cloud/viewport";
import { cloud } from "./some";

const even: Scale = { kind: "linear", about: 0, near: 1 };
const symlog: Scale = { kind: "symlog", about: 0, near: 1 };
const view = { x0: 0, x1: 10, y0: 0, y1: 1 };
const port = new Viewport({ x: even, y: symlog }, view, view, { width: 100, height: 100 });
const points = cloud([1, 5, 9], [0.5, 0.5, 0.5]);
const spot = (x: number, y: number) => ({ x, y });

let told: unknown[];
let selecting: Selecting;

beforeEach(() => {
  told = [];
  selecting = new Selecting({ points: () => points, port: () => port }, (rows, box) =>
    told.push([rows && [...rows], box]),
  );
});

describe("selecting", () => {
  it("tells of a rectangle in values, once it is drawn", () => {
    const drag = selecting.drag(spot(0, 0), false);
    drag.move(spot(60, 100));
    expect(selecting.outlined).toEqual({ kind: "box", of: { x0: 0, x1: 6, y0: 0, y1: 1 } });
    expect([selecting.count, told]).toEqual([null, []]);
    drag.end();
    expect(told).toEqual([[[0, 1], { x0: 0, x1: 6, y0: 0, y1: expect.closeTo(Math.sinh(1), 9) }]]);
    expect([selecting.count, selecting.drawing]).toEqual([2, null]);
  });

  it("tells of a free line without a rectangle, and of its end", () => {
    const drag = selecting.drag(spot(70, 0), true);
    for (const corner of [spot(100, 0), spot(100, 100), spot(70, 100)]) drag.move(corner);
    drag.end();
    selecting.select(null);
    selecting.select(null);
    expect(told).toEqual([
      [[2], null],
      [null, null],
    ]);
  });

  it("keeps what there was when a drag is given up", () => {
    selecting.take({ x0: 0, x1: 2, y0: 0, y1: 9 });
    const drag = selecting.drag(spot(0, 0), false);
    drag.move(spot(60, 100));
    drag.cancel();
    expect([selecting.count, selecting.outlined?.kind, told]).toEqual([1, "box", []]);
  });

  it("takes a rectangle over and gives it up, but no free line", () => {
    selecting.take({ x0: 0, x1: 2, y0: 0, y1: 9 });
    selecting.take(null);
    expect(selecting.count).toBeNull();
    selecting.select({ kind: "lasso", of: [0, 0, 10, 0, 10, 1] });
    selecting.take(null);
    expect(selecting.count).not.toBeNull();
  });
});
