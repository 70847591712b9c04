// Which point is where. Pixels here are CSS pixels of the plot, from its top left.
import type { Points } from "./points";
import type { Box, Size } from "./viewport";

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
