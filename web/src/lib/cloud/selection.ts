// What is drawn around points: a rectangle or a free line, in places.
import { inBox, inLasso, type Points } from "./points";
import type { Box, Spot, Viewport } from "./viewport";

export type Selection =
  | { kind: "box"; of: Box }
  /** x, y, x, y, … */
  | { kind: "lasso"; of: number[] };

/** The rows of the points within it. */
export function rowsIn(points: Points, { kind, of }: Selection): Int32Array {
  return kind === "box" ? inBox(points, of) : inLasso(points, of);
}

/** The rectangle with two spots as its corners. */
export function boxBetween(port: Viewport, one: Spot, other: Spot): Selection {
  const [[x, y], [x2, y2]] = [port.under(one), port.under(other)];
  const of = {
    x0: Math.min(x, x2),
    x1: Math.max(x, x2),
    y0: Math.min(y, y2),
    y1: Math.max(y, y2),
  };
  return { kind: "box", of };
}

/** A free line, drawn on to a spot; one from another spot where nothing is drawn yet. */
export function lassoTo(
  port: Viewport,
  before: Selection | null,
  from: Spot,
  here: Spot,
): Selection {
  const corners = before?.kind === "lasso" ? before.of : port.under(from);
  return { kind: "lasso", of: [...corners, ...port.under(here)] };
}

/** The corners of a free line as SVG has them. */
export function cornersOf(port: Viewport, of: number[]): string {
  const parts: string[] = [];
  for (let each = 0; each < of.length; each += 2)
    parts.push(`${port.toX(of[each]).toFixed(1)},${port.toY(of[each + 1]).toFixed(1)}`);
  return parts.join(" ");
}
