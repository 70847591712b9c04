// Histograms of a cloud along its sides.
import type { Points } from "./points";
import type { Box } from "./viewport";

export interface Sides {
  x: Uint32Array;
  y: Uint32Array;
}

/** How many points of a view lie in each of `bins` even parts of its sides. */
export function marginalsOf(points: Points, view: Box, [across, up]: [number, number]): Sides {
  const { x, y, shown } = points;
  const found = { x: new Uint32Array(across), y: new Uint32Array(up) };
  const [kx, ky] = [across / (view.x1 - view.x0), up / (view.y1 - view.y0)];
  for (let row = 0; row < x.length; row++) {
    if (shown !== null && shown[row] === 0) continue;
    const [column, line] = [(x[row] - view.x0) * kx, (y[row] - view.y0) * ky];
    if (!(column >= 0 && column < across && line >= 0 && line < up)) continue;
    found.x[column | 0]++;
    found.y[line | 0]++;
  }
  return found;
}

/** The outline of a histogram, from 0 along its axis and as high as `room` at the most. */
export function outlineOf(
  counts: Uint32Array,
  length: number,
  room: number,
  upright: boolean,
): string {
  let largest = 1;
  for (const each of counts) if (each > largest) largest = each;
  const step = length / counts.length;
  const corners = Array.from(counts, (each, at) => {
    const out = (each / largest) * room;
    return upright
      ? `H${out.toFixed(1)}V${(length - (at + 1) * step).toFixed(1)}`
      : `V${(room - out).toFixed(1)}H${((at + 1) * step).toFixed(1)}`;
  });
  return upright ? `M0,${length}${corners.join("")}H0Z` : `M0,${room}${corners.join("")}V${room}Z`;
}
