// The pixels of a cloud: arithmetic on typed arrays, without the page.
import { AROUND, footprint, levelsOf, LONE, orderByClass, radii } from "./dots";
import type { Points } from "./points";
import type { Box, Size } from "./viewport";

/** What is drawn: mere counts, the most frequent class of a pixel, or its mean tone (0 to 1). */
export type Layer =
  { kind: "density" } | { kind: "classes"; of: Uint8Array } | { kind: "tones"; of: Float32Array };

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
