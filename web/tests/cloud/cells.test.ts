import { describe, expect, it } from "vitest";
import { Cells } from "../../src/lib/cloud/cells";
import { rampOf } from "../../src/lib/cloud/paint";
import { type Points } from "../../src/lib/cloud/points";
import { cloud, floats, numbers } from "./some";

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
});
