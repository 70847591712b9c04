import { describe, expect, it } from "vitest";
import type { Scale } from "../../src/lib/cloud/axis";
import { Viewport, zoomed, type Box } from "../../src/lib/cloud/viewport";

const EVEN: Scale = { kind: "linear", about: 0, near: 1 };
const whole = { x0: 0, x1: 10, y0: -1, y1: 1 };
const size = { width: 200, height: 100 };
const seeing = (seen: Box) => new Viewport({ x: EVEN, y: EVEN }, whole, seen, size);

describe("zooming", () => {
  it("is about a point", () => {
    expect(zoomed(whole, 0.5, 0.2, 0.5)).toEqual({ x0: 1, x1: 6, y0: -0.5, y1: 0.5 });
    expect(zoomed(zoomed(whole, 0.5, 0.2, 0.5), 2, 0.2, 0.5)).toEqual(whole);
  });

  it("keeps what is under the cursor, right way up", () => {
    expect(zoomed(whole, 0.5, 0.2, 0.25)).toEqual({ x0: 1, x1: 6, y0: -0.75, y1: 0.25 });
    const about = { x: 50, y: 80 };
    const port = seeing({ x0: 1, x1: 6, y0: -0.5, y1: 0.5 });
    const [across, up] = seeing(port.zoomed(0.3, about)!).under(about);
    expect([across, up]).toEqual(port.under(about).map((place) => expect.closeTo(place, 9)));
  });

  it("ends at the whole", () => {
    expect(seeing({ x0: 1, x1: 6, y0: -0.5, y1: 0.5 }).zoomed(3, { x: 0, y: 0 })).toBeNull();
    expect(seeing(whole).isWhole).toBe(true);
    expect(seeing({ ...whole, y1: 0.9 }).isWhole).toBe(false);
    expect(seeing({ ...whole, x1: 9 }).isWhole).toBe(false);
  });

  it("ends in the deep", () => {
    const deep = { x0: 5, x1: 5.001, y0: 0, y1: 0.0002 };
    expect(seeing(deep).zoomed(0.9, { x: 0, y: 0 })).toEqual(deep);
    expect(seeing(deep).zoomed(1.5, { x: 0, y: 0 })).not.toEqual(deep);
  });
});

describe("a viewport", () => {
  const port = seeing({ x0: 2, x1: 4, y0: -1, y1: 0 });

  it("has places under pixels, y upwards, and back", () => {
    expect(port.under({ x: 50, y: 25 })).toEqual([2.5, -0.25]);
    expect([port.toX(2.5), port.toY(-0.25)]).toEqual([50, 25]);
  });

  it("sees a point only within", () => {
    expect(port.spotOf(3, -0.5)).toEqual({ x: 100, y: 50 });
    expect(port.spotOf(1.9, -0.5)).toBeNull();
    expect(port.spotOf(3, 0.1)).toBeNull();
    expect(port.spotOf(NaN, -0.5)).toBeNull();
  });

  it("moves what is under one spot to another", () => {
    const [from, to] = [
      { x: 20, y: 30 },
      { x: 70, y: 10 },
    ];
    const moved = seeing(port.moved(from, to));
    expect(moved.under(to)).toEqual(port.under(from).map((place) => expect.closeTo(place, 9)));
    expect(moved.seen.x1 - moved.seen.x0).toBeCloseTo(2);
  });

  it("changes rectangles into values and back, each side by its own scale", () => {
    const symlog: Scale = { kind: "symlog", about: 3, near: 0.3 };
    const bent = new Viewport({ x: EVEN, y: symlog }, whole, whole, size);
    const values = { x0: 1, x1: 2, y0: 3, y1: 3.3 };
    expect(bent.placesOf(values)).toEqual({
      x0: 1,
      x1: 2,
      y0: 0,
      y1: expect.closeTo(Math.asinh(1), 9),
    });
    expect(bent.valuesOf(bent.placesOf(values)).y1).toBeCloseTo(3.3, 9);
  });
});
