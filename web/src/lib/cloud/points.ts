// The points of a cloud, and which of them lie within a rectangle or a free line.
import type { Box } from "./viewport";

export interface Points {
  x: Float32Array;
  y: Float32Array;
  /** 0 is hidden. */
  shown: Uint8Array | null;
}

/** Rows within a rectangle of the units of the points. */
export function inBox({ x, y, shown }: Points, { x0, x1, y0, y1 }: Box): Int32Array {
  const found = new Int32Array(x.length);
  let n = 0;
  for (let row = 0; row < x.length; row++)
    if (x[row] >= x0 && x[row] <= x1 && y[row] >= y0 && y[row] <= y1 && (!shown || shown[row]))
      found[n++] = row;
  return found.slice(0, n);
}

/** Rows within a closed line through `corners` (x, y, x, y, …) in the units of the points. */
export function inLasso(points: Points, corners: number[]): Int32Array {
  const [xs, ys] = [0, 1].map((odd) => corners.filter((_, at) => at % 2 === odd));
  const around = {
    x0: Math.min(...xs),
    x1: Math.max(...xs),
    y0: Math.min(...ys),
    y1: Math.max(...ys),
  };
  return inBox(points, around).filter((row) => {
    const [x, y] = [points.x[row], points.y[row]];
    let inside = false;
    for (let one = 0, other = xs.length - 1; one < xs.length; other = one++) {
      const crosses = ys[one] > y !== ys[other] > y;
      if (crosses && x < ((xs[other] - xs[one]) * (y - ys[one])) / (ys[other] - ys[one]) + xs[one])
        inside = !inside;
    }
    return inside;
  });
}
