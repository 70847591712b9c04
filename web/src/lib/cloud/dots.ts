// How large the dots of a cloud are, and in which order they are drawn.

const orders = new WeakMap<Uint8Array, Int32Array>();

/** Rows by class, the most frequent class first: so that the rarer lies on top. */
export function orderByClass(classes: Uint8Array): Int32Array {
  const kept = orders.get(classes);
  if (kept) return kept;
  const counts = new Int32Array(256);
  for (let row = 0; row < classes.length; row++) counts[classes[row]]++;
  const starts = new Int32Array(256);
  let start = 0;
  for (const each of Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a])) {
    starts[each] = start;
    start += counts[each];
  }
  const order = new Int32Array(classes.length);
  for (let row = 0; row < classes.length; row++) order[starts[classes[row]]++] = row;
  orders.set(classes, order);
  return order;
}

/** Radius of a lone dot in CSS pixels, and how it falls with the points around it. */
export const LONE = 3.1;
const FALL = -0.23;
const LEVELS = 14;
/** Side of the squares, in CSS pixels, in which the points around a point are counted. */
export const AROUND = 8;

/** The pixels that a dot covers, from its middle, and how much of each, up to 1. */
export interface Footprint {
  offsets: Int32Array;
  cover: Float32Array;
}

export function footprint(radius: number, stride: number): Footprint {
  const reach = Math.ceil(radius);
  const offsets: number[] = [];
  const cover: number[] = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const covered = Math.min(1, radius + 0.5 - Math.hypot(dx, dy));
      if (covered <= 0.04) continue;
      offsets.push(dy * stride + dx);
      cover.push(covered);
    }
  return { offsets: Int32Array.from(offsets), cover: Float32Array.from(cover) };
}

/** Radii in device pixels from a single pixel to a lone dot. */
export function radii(ratio: number): number[] {
  const [least, most] = [0.5, LONE * ratio];
  return Array.from({ length: LEVELS }, (_, at) => least + ((most - least) * at) / (LEVELS - 1));
}

/** The place in `radii` for each square, by how many points it and its neighbours hold. */
export function levelsOf(
  counts: Float32Array,
  columns: number,
  rows: number,
  ratio: number,
): Uint8Array {
  const [least, most] = [0.5, LONE * ratio];
  const levels = new Uint8Array(counts.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      if (counts[at] === 0) continue;
      let around = 0;
      for (let up = Math.max(0, row - 1); up <= Math.min(rows - 1, row + 1); up++)
        for (let side = Math.max(0, column - 1); side <= Math.min(columns - 1, column + 1); side++)
          around += counts[up * columns + side];
      const radius = Math.max(least, most * around ** FALL);
      levels[at] = Math.round(((radius - least) / (most - least)) * (LEVELS - 1));
    }
  return levels;
}
