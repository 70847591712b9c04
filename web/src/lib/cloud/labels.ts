// Where names of points fit.
import type { Box, Size } from "./viewport";

export interface Label {
  x: number;
  y: number;
  text: string;
  anchor: "start" | "end" | "middle";
}

/** Where the names of points fit beside them without covering each other, if anywhere. */
export function labelsOf(
  points: { x: number; y: number; text: string }[],
  { width, height }: Size,
): (Label | null)[] {
  const taken: Box[] = points.map(({ x, y }) => ({ x0: x - 5, x1: x + 5, y0: y - 5, y1: y + 5 }));
  return points.map(({ x, y, text }, own) => {
    const long = 7.2 * text.length;
    const tries: Label[] = [
      { x: x + 9, y: y + 4, text, anchor: "start" },
      { x: x - 9, y: y + 4, text, anchor: "end" },
      { x, y: y - 10, text, anchor: "middle" },
      { x, y: y + 18, text, anchor: "middle" },
    ];
    for (const each of tries) {
      const x0 = each.x - { start: 0, end: long, middle: long / 2 }[each.anchor];
      const box = { x0, x1: x0 + long, y0: each.y - 11, y1: each.y + 3 };
      if (box.x0 < 0 || box.x1 > width || box.y0 < 0 || box.y1 > height) continue;
      const free = taken.every(
        (other, at) =>
          at === own ||
          box.x0 > other.x1 ||
          box.x1 < other.x0 ||
          box.y0 > other.y1 ||
          box.y1 < other.y0,
      );
      if (!free) continue;
      taken.push(box);
      return each;
    }
    return null;
  });
}
