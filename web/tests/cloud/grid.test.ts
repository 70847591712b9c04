import { describe, expect, it } from "vitest";
import { Grid } from "../../src/lib/cloud/grid";
import { cloud, numbers } from "./some";

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
