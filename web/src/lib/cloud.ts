// What a cloud of many points needs: scales, cells of pixels, and which point is where. All of it
// is arithmetic on typed arrays, without the page. "Places" are values on their scale.

export interface Axis {
  title: string;
  scale?: "linear" | "symlog";
  /** The middle of symlog. */
  about?: number;
  /** Within so much of it symlog is even, and logarithmic beyond. */
  near?: number;
  domain?: [number, number];
  ticks?: { at: number; text: string }[];
  /** Dashed. */
  lines?: { at: number; text?: string }[];
}

export type Paint =
  | { kind: "density" }
  /** Colours are names of CSS variables; what has no class is `--neither`. */
  | { kind: "classes"; of: Uint8Array; names: string[]; colours: string[] }
  | { kind: "values"; of: Float32Array; title: string; log?: boolean };

/** A rectangle, in values or in places. */
export interface Box {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

export interface Size {
  width: number;
  height: number;
}

// Scales

export interface Scale {
  kind: "linear" | "symlog";
  about: number;
  near: number;
}

export const scaleOf = ({ scale = "linear", about = 0, near = 1 }: Axis): Scale => ({
  kind: scale,
  about,
  near,
});

export function placeOf({ kind, about, near }: Scale, value: number): number {
  return kind === "linear" ? value : Math.asinh((value - about) / near);
}

export function valueOf({ kind, about, near }: Scale, place: number): number {
  return kind === "linear" ? place : about + near * Math.sinh(place);
}

export function placesOf(values: Float32Array, scale: Scale): Float32Array {
  if (scale.kind === "linear") return values;
  const { about, near } = scale;
  const places = new Float32Array(values.length);
  for (let row = 0; row < values.length; row++)
    places[row] = Math.asinh((values[row] - about) / near);
  return places;
}

/** The ends of what is shown, with a little room; of all lines too, so that they can be seen. */
export function extentOf(
  places: Float32Array,
  other: Float32Array,
  shown: Uint8Array | null,
  lines: number[],
): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < places.length; row++) {
    const place = places[row];
    if ((shown && !shown[row]) || !Number.isFinite(place) || !Number.isFinite(other[row])) continue;
    if (place < low) low = place;
    if (place > high) high = place;
  }
  if (low > high) [low, high] = lines.length ? [lines[0], lines[0]] : [0, 1];
  for (const line of lines) [low, high] = [Math.min(low, line), Math.max(high, line)];
  const room = high > low ? 0.04 * (high - low) : 1;
  return [low - room, high + room];
}

export interface Tick {
  place: number;
  text: string;
}

export function tickText(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const text =
    rounded !== 0 && Math.abs(rounded) < 1e-4
      ? rounded.toExponential()
      : rounded.toLocaleString("en-US", { maximumFractionDigits: 6 });
  return text.replace("-", "−");
}

/** Even steps of 1, 2 or 5 times a power of ten, about `most` of them. */
function evenSteps(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(most, 1);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from(
    { length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) },
    (_, at) => (first + at) * step || 0,
  );
}

/** Round values on both sides of 0: some multiples of each power of ten. */
function roundValues(multiples: number[]): number[] {
  const found: number[] = [];
  for (let power = -4; power <= 6; power++)
    for (const each of multiples) found.push(each * 10 ** power, -each * 10 ** power);
  return found;
}

const ROUND = roundValues([1, 2, 5]);
const BETWEEN = roundValues([1.5, 3, 4, 7]);
const ENOUGH = 5;

/** Ticks of an axis that shows places from `low` to `high` over `length` pixels. */
export function ticksOf(
  axis: Axis,
  low: number,
  high: number,
  length: number,
  apart: number,
): Tick[] {
  const scale = scaleOf(axis);
  const [least, most] = [valueOf(scale, low), valueOf(scale, high)];
  if (axis.ticks)
    return axis.ticks
      .filter(({ at }) => at >= least && at <= most)
      .map(({ at, text }) => ({ place: placeOf(scale, at), text }));
  const even = evenSteps(least, most, length / (1.4 * apart));
  if (scale.kind === "linear")
    return even.map((value) => ({ place: value, text: tickText(value) }));
  // The nearest to the middle first, each if it has room; finer ones only where there are few.
  const chosen = new Map<number, number>();
  const room = (apart * (high - low)) / length;
  for (const some of [[scale.about, ...ROUND], BETWEEN, even]) {
    if (chosen.size >= ENOUGH) break;
    for (const value of some.toSorted(
      (one, two) => Math.abs(one - scale.about) - Math.abs(two - scale.about),
    )) {
      const place = placeOf(scale, value);
      if (place < low || place > high) continue;
      if ([...chosen.values()].every((other) => Math.abs(place - other) >= room))
        chosen.set(value, place);
    }
  }
  return [...chosen]
    .map(([value, place]) => ({ place, text: tickText(value) }))
    .sort((one, two) => one.place - two.place);
}

/** A view of `scale` times the extent that keeps a point (0 to 1 of each side) where it is. */
export function zoomed(view: Box, scale: number, across: number, up: number): Box {
  const [x, y] = [view.x0 + across * (view.x1 - view.x0), view.y0 + up * (view.y1 - view.y0)];
  return {
    x0: x + (view.x0 - x) * scale,
    x1: x + (view.x1 - x) * scale,
    y0: y + (view.y0 - y) * scale,
    y1: y + (view.y1 - y) * scale,
  };
}

// Cells

export interface Points {
  x: Float32Array;
  y: Float32Array;
  /** 0 is hidden. */
  shown: Uint8Array | null;
}

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
const LONE = 3.1;
const FALL = -0.23;
const LEVELS = 14;
/** Side of the squares, in CSS pixels, in which the points around a point are counted. */
const AROUND = 8;

/** What is drawn: mere counts, the most frequent class of a pixel, or its mean tone (0 to 1). */
export type Layer =
  { kind: "density" } | { kind: "classes"; of: Uint8Array } | { kind: "tones"; of: Float32Array };

/** The pixels that a dot covers, from its middle, and how much of each, up to 1. */
interface Footprint {
  offsets: Int32Array;
  cover: Float32Array;
}

function footprint(radius: number, stride: number): Footprint {
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
function radii(ratio: number): number[] {
  const [least, most] = [0.5, LONE * ratio];
  return Array.from({ length: LEVELS }, (_, at) => least + ((most - least) * at) / (LEVELS - 1));
}

/** The place in `radii` for each square, by how many points it and its neighbours hold. */
function levelsOf(counts: Float32Array, columns: number, rows: number, ratio: number): Uint8Array {
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

/**
 * Points counted in pixels. A lone point covers a dot, one among many a pixel: so thousands look
 * like a scatter and a million like a density. The arrays are kept from one drawing to the next.
 */
export class Cells {
  /** Points within the view. */
  points = 0;
  /** The most dots on a pixel. */
  largest = 0;
  /** Dots reach beyond the edge: the arrays hold a margin. */
  private pad = 0;
  private width = 0;
  private height = 0;
  /** The dots on a pixel, each by how much of it it covers, and the most that one does. */
  private count = new Float32Array(0);
  private cover = new Float32Array(0);
  /** The most frequent class, and how often; or the sum of tones, and of how many. */
  private winner = new Uint8Array(0);
  private sum = new Float32Array(0);
  private most = new Float32Array(0);
  /** The class of the dots that came last, and how many of it. */
  private last = new Uint8Array(0);
  private streak = new Float32Array(0);
  /** By point: its pixel, −1 where it is not seen, and its square of `AROUND` pixels. */
  private middles = new Int32Array(0);
  private squares = new Int32Array(0);

  /** Count points as seen in `view`, on so many device pixels, `ratio` of them a CSS pixel. */
  fill(points: Points, view: Box, { width, height }: Size, ratio: number, layer: Layer): void {
    this.clear(width, height, Math.ceil(LONE * ratio) + 1);
    const { x, y, shown } = points;
    const { x0, y1 } = view;
    const kx = width / (view.x1 - x0);
    const ky = height / (y1 - view.y0);
    const side = AROUND * ratio;
    const columns = Math.ceil(width / side);
    const rows = Math.ceil(height / side);
    const around = new Float32Array(columns * rows);
    const stride = width + 2 * this.pad;
    const first = this.pad * stride + this.pad;
    if (this.middles.length < x.length) {
      this.middles = new Int32Array(x.length);
      this.squares = new Int32Array(x.length);
    }
    const { middles, squares } = this;
    let within = 0;
    for (let row = 0; row < x.length; row++) {
      middles[row] = -1;
      if (shown !== null && shown[row] === 0) continue;
      const px = (x[row] - x0) * kx;
      const py = (y1 - y[row]) * ky;
      if (!(px >= 0 && px < width && py >= 0 && py < height)) continue;
      const square = ((py / side) | 0) * columns + ((px / side) | 0);
      middles[row] = first + (py | 0) * stride + (px | 0);
      squares[row] = square;
      around[square]++;
      within++;
    }
    this.points = within;
    const levels = levelsOf(around, columns, rows, ratio);
    const prints = radii(ratio).map((radius) => footprint(radius, stride));
    const order = layer.kind === "classes" ? orderByClass(layer.of) : null;
    const { count, cover } = this;
    for (let at = 0; at < x.length; at++) {
      const row = order === null ? at : order[at];
      const middle = middles[row];
      if (middle < 0) continue;
      const print = prints[levels[squares[row]]];
      const offsets = print.offsets;
      const covers = print.cover;
      for (let each = 0; each < offsets.length; each++) {
        const cell = middle + offsets[each];
        const covered = covers[each];
        count[cell] += covered;
        if (covered > cover[cell]) cover[cell] = covered;
        if (layer.kind === "classes") this.vote(cell, layer.of[row], covered);
        else if (layer.kind === "tones") this.add(cell, layer.of[row], covered);
      }
    }
    let largest = 0;
    for (let cell = 0; cell < count.length; cell++)
      if (count[cell] > largest) largest = count[cell];
    this.largest = largest;
  }

  /** Rows come class by class, so a class is over once another comes. */
  private vote(cell: number, kind: number, covered: number): void {
    if (this.last[cell] !== kind) {
      this.last[cell] = kind;
      this.streak[cell] = 0;
    }
    const streak = (this.streak[cell] += covered);
    if (streak >= this.most[cell]) {
      this.most[cell] = streak;
      this.winner[cell] = kind;
    }
  }

  private add(cell: number, tone: number, covered: number): void {
    if (tone !== tone) return;
    this.sum[cell] += tone * covered;
    this.most[cell] += covered;
  }

  private clear(width: number, height: number, pad: number): void {
    [this.width, this.height, this.pad] = [width, height, pad];
    const cells = (width + 2 * pad) * (height + 2 * pad);
    if (this.count.length !== cells) {
      this.count = new Float32Array(cells);
      this.cover = new Float32Array(cells);
      this.winner = new Uint8Array(cells);
      this.sum = new Float32Array(cells);
      this.most = new Float32Array(cells);
      this.last = new Uint8Array(cells);
      this.streak = new Float32Array(cells);
      return;
    }
    for (const each of [this.count, this.cover, this.sum, this.most, this.last, this.streak])
      each.fill(0);
  }

  /**
   * Write the pixels of an image. `colours` are those of each class, or a ramp of tones or, for
   * mere counts, of few to many; the last one is for what has no class or tone.
   */
  colour(layer: Layer, colours: Uint32Array, pixels: Uint32Array): void {
    const { pad, width, height, count, cover, winner, sum, most } = this;
    const none = colours.length - 1;
    const scale = 1 / Math.log1p(Math.max(this.largest, 1));
    const shares = Float32Array.from(
      { length: Math.min(4 * Math.ceil(this.largest), 16383) + 1 },
      (_, quarters) => Math.min(1, Math.log1p(quarters / 4) * scale),
    );
    for (let row = 0; row < height; row++) {
      let cell = (row + pad) * (width + 2 * pad) + pad;
      for (let pixel = row * width; pixel < (row + 1) * width; pixel++, cell++) {
        const dots = count[cell];
        if (dots === 0) {
          pixels[pixel] = 0;
          continue;
        }
        const quarters = Math.round(4 * dots);
        const share =
          quarters < shares.length ? shares[quarters] : Math.min(1, Math.log1p(dots) * scale);
        let at;
        if (layer.kind === "classes") at = Math.min(winner[cell], none);
        else if (layer.kind === "density") at = (share * (none - 1)) | 0;
        else if (most[cell] === 0) at = none;
        else at = (Math.min(1, sum[cell] / most[cell]) * (none - 1)) | 0;
        const opacity = layer.kind === "density" ? 1 : 0.55 + 0.45 * share;
        pixels[pixel] = (colours[at] | ((255 * cover[cell] * opacity) << 24)) >>> 0;
      }
    }
  }
}

// Colours

/** `rgb(0, 114, 178)` as a pixel without its opacity. */
export function pixelOf(colour: string): number {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return red | (green << 8) | (blue << 16);
}

/** A ramp of `steps` pixels through colours such as `#440154`, and last the pixel for none. */
export function rampOf(stops: string[], none: number, steps = 256): Uint32Array {
  const parts = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const ramp = new Uint32Array(steps + 1);
  for (let step = 0; step < steps; step++) {
    const place = (step / (steps - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(place), stops.length - 2);
    const [red, green, blue] = parts[from].map((part, at) =>
      Math.round(part + (parts[from + 1][at] - part) * (place - from)),
    );
    ramp[step] = red | (green << 8) | (blue << 16);
  }
  ramp[steps] = none;
  return ramp;
}

/** Values from 0 to 1 between two ends; what is beyond them is at the end. */
export function tonesOf(values: Float32Array, low: number, high: number, log: boolean) {
  const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const scale = to > from ? 1 / (to - from) : 0;
  return values.map((value) =>
    Number.isNaN(value)
      ? NaN
      : Math.min(1, Math.max(0, ((log ? Math.log10(value) : value) - from) * scale)),
  );
}

const SAMPLE = 20_000;

/** Two quantiles of the finite values (only those above 0 with `positive`); of a sample of many. */
export function endsOf(
  values: Float32Array,
  shown: Uint8Array | null,
  positive = false,
  [low, high] = [0.01, 0.99],
): [number, number] {
  const step = Math.max(1, Math.floor(values.length / SAMPLE));
  const found: number[] = [];
  for (let row = 0; row < values.length; row += step)
    if ((!shown || shown[row]) && Number.isFinite(values[row]) && (!positive || values[row] > 0))
      found.push(values[row]);
  if (!found.length) return [0, 1];
  const sorted = Float32Array.from(found).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(low), at(high)];
}

/** How many points of a view lie in each of `bins` even parts of its sides. */
export function marginalsOf(points: Points, view: Box, [across, up]: [number, number]) {
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

// Which point is where. Pixels here are CSS pixels of the plot, from its top left.

/** The points of one view by squares of pixels. */
export class Grid {
  private static SIDE = 12;
  private columns: number;
  private rows: number;
  private starts: Int32Array;
  private items: Int32Array;

  constructor(
    private points: Points,
    private view: Box,
    private size: Size,
  ) {
    const { x, y, shown } = points;
    this.columns = Math.ceil(size.width / Grid.SIDE);
    this.rows = Math.ceil(size.height / Grid.SIDE);
    this.starts = new Int32Array(this.columns * this.rows + 1);
    const { x0, y1 } = view;
    const kx = size.width / (view.x1 - x0);
    const ky = size.height / (y1 - view.y0);
    const squares = new Int32Array(x.length);
    for (let row = 0; row < x.length; row++) {
      const px = (x[row] - x0) * kx;
      const py = (y1 - y[row]) * ky;
      const seen =
        (shown === null || shown[row] !== 0) &&
        px >= 0 &&
        px < size.width &&
        py >= 0 &&
        py < size.height;
      squares[row] = seen
        ? Math.floor(py / Grid.SIDE) * this.columns + Math.floor(px / Grid.SIDE)
        : -1;
      if (seen) this.starts[squares[row] + 1]++;
    }
    for (let square = 1; square < this.starts.length; square++)
      this.starts[square] += this.starts[square - 1];
    this.items = new Int32Array(this.starts[this.starts.length - 1]);
    const next = this.starts.slice();
    for (let row = 0; row < x.length; row++)
      if (squares[row] >= 0) this.items[next[squares[row]]++] = row;
  }

  /** Where a point lies. */
  at(row: number): [number, number] {
    const { view, size } = this;
    return [
      ((this.points.x[row] - view.x0) / (view.x1 - view.x0)) * size.width,
      ((view.y1 - this.points.y[row]) / (view.y1 - view.y0)) * size.height,
    ];
  }

  /** The nearest point within `most` pixels, −1 where there is none. */
  nearest(px: number, py: number, most: number): number {
    const square = (value: number, last: number) =>
      Math.min(last, Math.max(0, Math.floor(value / Grid.SIDE)));
    let [best, found] = [most * most, -1];
    for (let up = square(py - most, this.rows - 1); up <= square(py + most, this.rows - 1); up++) {
      const first = up * this.columns + square(px - most, this.columns - 1);
      const last = up * this.columns + square(px + most, this.columns - 1);
      for (let item = this.starts[first]; item < this.starts[last + 1]; item++) {
        const [x, y] = this.at(this.items[item]);
        const distance = (x - px) ** 2 + (y - py) ** 2;
        if (distance <= best) [best, found] = [distance, this.items[item]];
      }
    }
    return found;
  }

  /** The next point from a place towards (dx, dy), one of them 0; −1 where there is none. */
  towards(px: number, py: number, dx: number, dy: number): number {
    let [best, found] = [Infinity, -1];
    for (const row of this.items) {
      const [x, y] = this.at(row);
      const ahead = (x - px) * dx + (y - py) * dy;
      const aside = Math.abs((x - px) * dy) + Math.abs((y - py) * dx);
      // Nearer ones could not be told apart, and the reader would walk on the spot.
      if (ahead < 3 || aside > ahead) continue;
      if (ahead + 2 * aside < best) [best, found] = [ahead + 2 * aside, row];
    }
    return found;
  }
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

// Order

/**
 * Rows by value, what has none last; equal ones stay as they are. By the bits of the values, half
 * of them at a time: a million takes a twentieth of a second.
 */
export function ordered(rows: ArrayLike<number>, values: Float32Array, down: boolean): Int32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const keys = new Uint32Array(rows.length);
  let order = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at++) {
    const value = values[rows[at]];
    const own = value === 0 ? 0 : bits[rows[at]];
    const rising = own & 0x80000000 ? ~own : own | 0x80000000;
    keys[at] = Number.isNaN(value) ? 0xffffffff : down ? ~rising : rising;
    order[at] = at;
  }
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65537);
    for (let at = 0; at < keys.length; at++) starts[((keys[at] >>> shift) & 0xffff) + 1]++;
    for (let bin = 1; bin < starts.length; bin++) starts[bin] += starts[bin - 1];
    const next = new Int32Array(order.length);
    for (let at = 0; at < order.length; at++)
      next[starts[(keys[order[at]] >>> shift) & 0xffff]++] = order[at];
    order = next;
  }
  for (let at = 0; at < order.length; at++) order[at] = rows[order[at]];
  return order;
}
