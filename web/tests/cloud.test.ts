import { describe, expect, it } from "vitest";
import {
  Cells,
  endsOf,
  extentOf,
  Grid,
  inBox,
  inLasso,
  labelsOf,
  marginalsOf,
  ordered,
  orderByClass,
  pixelOf,
  placeOf,
  placesOf,
  rampOf,
  scaleOf,
  tickText,
  ticksOf,
  tonesOf,
  valueOf,
  zoomed,
  type Axis,
  type Points,
} from "../src/lib/cloud";

const KURTOSIS: Axis = { title: "kurtosis", scale: "symlog", about: 3, near: 0.3 };
const floats = (...values: number[]) => Float32Array.from(values);
const cloud = (x: number[], y: number[], shown: number[] | null = null): Points => ({
  x: floats(...x),
  y: floats(...y),
  shown: shown && Uint8Array.from(shown),
});

/** The same "random" numbers from 0 to 1 every time. */
function numbers(n: number, seed = 1): Float32Array {
  let state = seed;
  return new Float32Array(n).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

describe("scales", () => {
  it("gives a value back from its place", () => {
    for (const axis of [KURTOSIS, { title: "x" }])
      for (const value of [-40, 2.9, 3, 3.01, 1000])
        expect(valueOf(scaleOf(axis), placeOf(scaleOf(axis), value))).toBeCloseTo(value, 6);
  });

  it("is even near the middle and logarithmic far from it", () => {
    const at = (value: number) => placeOf(scaleOf(KURTOSIS), value);
    expect(at(3)).toBe(0);
    expect(at(3.02) - at(3.01)).toBeCloseTo(at(3.01) - at(3), 3);
    expect(at(3003) - at(303)).toBeCloseTo(Math.log(10), 3);
    expect(at(4)).toBeCloseTo(-at(2), 6);
  });

  it("places all values, and leaves linear ones as they are", () => {
    const values = floats(3, NaN, 6);
    expect(placesOf(values, scaleOf({ title: "" }))).toBe(values);
    const places = placesOf(values, scaleOf(KURTOSIS));
    expect(places[0]).toBe(0);
    expect(places[1]).toBeNaN();
    expect(places[2]).toBeCloseTo(Math.asinh(10), 5);
  });

  it("leaves room around what is shown and around the lines", () => {
    const [low, high] = extentOf(
      floats(0, 10, 99, 50),
      floats(0, 0, NaN, 0),
      new Uint8Array([1, 1, 1, 0]),
      [-2],
    );
    expect(low).toBeCloseTo(-2.48);
    expect(high).toBeCloseTo(10.48);
    expect(extentOf(floats(NaN), floats(1), null, [])).toEqual([-0.04, 1.04]);
    expect(extentOf(floats(5), floats(5), null, [])).toEqual([4, 6]);
  });

  it("zooms about a point", () => {
    const view = { x0: 0, x1: 10, y0: -1, y1: 1 };
    expect(zoomed(view, 0.5, 0.2, 0.5)).toEqual({ x0: 1, x1: 6, y0: -0.5, y1: 0.5 });
    expect(zoomed(zoomed(view, 0.5, 0.2, 0.5), 2, 0.2, 0.5)).toEqual(view);
  });
});

describe("ticks", () => {
  const texts = (axis: Axis, low: number, high: number, length = 500) =>
    ticksOf(axis, placeOf(scaleOf(axis), low), placeOf(scaleOf(axis), high), length, 40).map(
      ({ text }) => text,
    );

  it("are even on an even axis", () => {
    expect(texts({ title: "" }, -1, 1)).toEqual(["−1", "−0.5", "0", "0.5", "1"]);
    expect(texts({ title: "" }, 0, 10, 200)).toEqual(["0", "5", "10"]);
  });

  it("are round values, apart from each other, on a symlog axis", () => {
    const found = texts(KURTOSIS, 2, 100);
    expect(found).toContain("3");
    expect(found).toContain("50");
    const places = ticksOf(KURTOSIS, -1.9, 6.5, 500, 40).map(({ place }) => place);
    for (let at = 1; at < places.length; at++)
      expect(places[at] - places[at - 1]).toBeGreaterThan((40 * 8.4) / 500 - 1e-9);
  });

  it("are there however far one has zoomed in", () => {
    expect(texts(KURTOSIS, 40.1, 40.3).length).toBeGreaterThan(2);
    expect(texts(KURTOSIS, 2.999, 3.001).length).toBeGreaterThan(2);
  });

  it("are those that were given, as far as they are seen", () => {
    const ticks = [
      { at: 0, text: "none" },
      { at: 9, text: "much" },
    ];
    expect(texts({ title: "", ticks }, -1, 5)).toEqual(["none"]);
  });

  it("are written with a true minus and without noise", () => {
    expect(tickText(-0.1 - 0.2)).toBe("−0.3");
    expect(tickText(12000)).toBe("12,000");
    expect(tickText(0)).toBe("0");
  });
});

describe("cells", () => {
  const view = { x0: 0, x1: 100, y0: 0, y1: 100 };
  const size = { width: 100, height: 100 };

  function pixels(points: Points, layer: Parameters<Cells["fill"]>[4], colours: Uint32Array) {
    const cells = new Cells();
    cells.fill(points, view, size, 1, layer);
    const found = new Uint32Array(100 * 100);
    cells.colour(layer, colours, found);
    return { cells, at: (x: number, y: number) => found[(99 - y) * 100 + x], found };
  }

  it("counts what is shown, within the view, and a number", () => {
    const points = cloud([5, 50, 500, NaN, 60], [5, 50, 50, 50, 60], [1, 1, 1, 1, 0]);
    const { cells } = pixels(points, { kind: "density" }, rampOf(["#000000", "#ffffff"], 0));
    expect(cells.points).toBe(2);
  });

  it("draws a lone point as a dot, with y upwards", () => {
    const colours = rampOf(["#ff0000", "#ff0000"], 0);
    const { at, found } = pixels(cloud([20.5], [80.5]), { kind: "density" }, colours);
    expect(at(20, 80)).toBe(0xff0000ff);
    expect(at(22, 80)).toBe(0xff0000ff);
    expect(at(30, 80)).toBe(0);
    expect(found.filter((pixel) => pixel !== 0).length).toBeGreaterThan(20);
  });

  it("draws many points as pixels", () => {
    const n = 100_000;
    const [x, y] = [numbers(n, 1), numbers(n, 2)].map((each) => each.map((value) => value * 20));
    const points = { x, y, shown: null };
    const { cells, at } = pixels(points, { kind: "density" }, rampOf(["#000000", "#ffffff"], 0));
    expect(cells.points).toBe(n);
    // A pixel holds 250 of them: were they dots, they would add up to many more.
    expect(cells.largest).toBeLessThan(400);
    expect(at(23, 10)).toBe(0);
  });

  it("is the same from one drawing to the next", () => {
    const points = cloud([20, 50, 51], [20, 50, 51]);
    const layer = { kind: "classes", of: Uint8Array.from([0, 1, 2]) } as const;
    const colours = Uint32Array.from([1, 2, 3, 4]);
    const cells = new Cells();
    const [one, other] = [new Uint32Array(10_000), new Uint32Array(10_000)];
    for (const found of [one, other]) {
      cells.fill(points, view, size, 1, layer);
      cells.colour(layer, colours, found);
    }
    expect(other).toEqual(one);
  });

  it("gives a pixel its most frequent class, however they are mixed", () => {
    const classes = Uint8Array.from([0, 1, 0, 1, 1, 2, 0, 1, 2]);
    const points = cloud(new Array(9).fill(40.5), new Array(9).fill(40.5));
    const { at } = pixels(points, { kind: "classes", of: classes }, Uint32Array.from([7, 8, 9, 1]));
    expect(at(40, 40) & 0xff).toBe(8);
  });

  it("gives what has no class the last colour", () => {
    const layer = { kind: "classes", of: Uint8Array.from([255]) } as const;
    expect(pixels(cloud([40], [40]), layer, Uint32Array.from([7, 8, 5])).at(40, 40) & 0xff).toBe(5);
  });

  it("gives a pixel its mean tone, of those that have one", () => {
    const points = cloud([40, 40, 40, 70], [40, 40, 40, 70]);
    const layer = { kind: "tones", of: floats(0, 1, NaN, NaN) } as const;
    const { at } = pixels(points, layer, rampOf(["#000000", "#ffffff"], 0x010203));
    expect(at(40, 40) & 0xff).toBe(127);
    expect(at(70, 70) & 0xffffff).toBe(0x010203);
  });

  it("orders rows by class, the most frequent first", () => {
    expect([...orderByClass(Uint8Array.from([2, 0, 2, 255, 2, 0]))]).toEqual([0, 2, 4, 1, 5, 3]);
  });

  it("counts along the sides", () => {
    const points = cloud([1, 60, 61, 300], [1, 1, 99, 1]);
    const found = marginalsOf(points, view, [2, 2]);
    expect([...found.x]).toEqual([1, 2]);
    expect([...found.y]).toEqual([2, 1]);
  });
});

describe("colours", () => {
  it("are pixels", () => {
    expect(pixelOf("rgb(1, 2, 3)")).toBe(0x030201);
    expect(pixelOf("rgba(255, 0, 16, 0.5)")).toBe(0x1000ff);
  });

  it("go from end to end of a ramp", () => {
    const ramp = rampOf(["#000000", "#0a0a0a", "#ff0000"], 5, 5);
    expect([...ramp]).toEqual([0, 0x050505, 0x0a0a0a, 0x050585, 0x0000ff, 5]);
  });

  it("tell where a value lies between the ends", () => {
    expect([...tonesOf(floats(0, 5, 20, -3), 0, 10, false)]).toEqual([0, 0.5, 1, 0]);
    const tones = tonesOf(floats(0.01, 1, 100, 0, NaN), 0.01, 100, true);
    expect([...tones.slice(0, 4)].map((tone) => Number(tone.toFixed(6)))).toEqual([0, 0.5, 1, 0]);
    expect(tones[4]).toBeNaN();
    expect([...tonesOf(floats(4), 4, 4, false)]).toEqual([0]);
  });

  it("leave out the outermost values, and those that are hidden", () => {
    const values = Float32Array.from({ length: 101 }, (_, at) => at);
    expect(endsOf(values, null)).toEqual([1, 99]);
    expect(endsOf(floats(-5, 0, 1, 2, 900), Uint8Array.from([1, 1, 1, 1, 0]), true)).toEqual([
      1, 2,
    ]);
    expect(endsOf(floats(NaN), null)).toEqual([0, 1]);
  });
});

describe("picking", () => {
  const n = 3000;
  const shown = Uint8Array.from(numbers(n, 5), (value) => (value > 0.2 ? 1 : 0));
  const points = { x: numbers(n, 3), y: numbers(n, 4), shown };
  const view = { x0: 0.1, x1: 0.9, y0: 0.2, y1: 1 };
  const size = { width: 400, height: 300 };
  const grid = new Grid(points, view, size);

  /** By looking at every point. */
  function slowly(px: number, py: number, most: number): number {
    let [best, found] = [most, -1];
    for (let row = 0; row < n; row++) {
      const [x, y] = grid.at(row);
      const within = x >= 0 && x < size.width && y >= 0 && y < size.height;
      const distance = Math.hypot(x - px, y - py);
      if (within && points.shown[row] && distance < best) [best, found] = [distance, row];
    }
    return found;
  }

  it("finds the nearest point that is shown, as looking at all does", () => {
    const [xs, ys] = [numbers(200, 6), numbers(200, 7)];
    for (let at = 0; at < 200; at++) {
      const [px, py] = [xs[at] * size.width, ys[at] * size.height];
      expect(grid.nearest(px, py, 8)).toBe(slowly(px, py, 8));
    }
  });

  it("finds nothing where nothing is near, and looks beyond the edge without harm", () => {
    const lone = new Grid(cloud([0.5], [0.5]), { x0: 0, x1: 1, y0: 0, y1: 1 }, size);
    expect(lone.nearest(10, 10, 12)).toBe(-1);
    expect(lone.nearest(-50, 900, 12)).toBe(-1);
    expect(lone.nearest(203, 150, 12)).toBe(0);
  });

  it("goes to the next point to one side", () => {
    const cross = cloud([0.5, 0.2, 0.9, 0.5, 0.52, 0.5001], [0.5, 0.5, 0.45, 0.8, 0.1, 0.5]);
    const four = new Grid(cross, { x0: 0, x1: 1, y0: 0, y1: 1 }, size);
    const [px, py] = four.at(0);
    expect(four.towards(px, py, -1, 0)).toBe(1);
    expect(four.towards(px, py, 1, 0)).toBe(2);
    expect(four.towards(px, py, 0, -1)).toBe(3);
    expect(four.towards(px, py, 0, 1)).toBe(4);
    expect(four.towards(...four.at(1), -1, 0)).toBe(-1);
  });
});

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

describe("labels", () => {
  it("do not cover each other, and stay within", () => {
    const found = labelsOf(
      [
        { x: 50, y: 50, text: "one" },
        { x: 95, y: 50, text: "another" },
      ],
      { width: 100, height: 100 },
    );
    expect(found[0]).toMatchObject({ text: "one", anchor: "start" });
    expect(found[1]?.anchor).not.toBe("start");
  });

  it("are left out where there is no room", () => {
    const text = "a name that is longer than all of the picture";
    expect(labelsOf([{ x: 50, y: 50, text }], { width: 100, height: 100 })).toEqual([null]);
  });
});

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

it("zooming keeps what is under the cursor, right way up", () => {
  expect(zoomed({ x0: 0, x1: 10, y0: -1, y1: 1 }, 0.5, 0.2, 0.25)).toEqual({
    x0: 1,
    x1: 6,
    y0: -0.75,
    y1: 0.25,
  });
});
