// What is brushed in a picture: a rectangle, kept in the URL, or what a free line holds.
import { inBox } from "./cloud/points";
import type { Box } from "./cloud/viewport";
import { route } from "./route.svelte";

export class Brush {
  private lasso = $state.raw<Int32Array | null>(null);

  readonly box = $derived.by<Box | null>(() => {
    const ends = route.options.box?.split(",").map(Number) ?? [];
    if (ends.length !== 4 || !ends.every(Number.isFinite)) return null;
    const [x0, x1, y0, y1] = ends;
    return { x0, x1, y0, y1 };
  });

  select = (rows: Int32Array | null, drawn: Box | null) => {
    this.lasso = drawn ? null : rows;
    const ends = drawn && [drawn.x0, drawn.x1, drawn.y0, drawn.y1];
    route.set({ box: ends && ends.map((end) => Number(end.toPrecision(7))).join(",") });
  };

  /** The brushed points' rows; null where nothing is brushed. */
  rows(x: Float32Array, y: Float32Array): Int32Array | null {
    return this.box ? inBox({ x, y, shown: null }, this.box) : this.lasso;
  }

  /** Forget a free line, as the picture is now of something else. */
  forget() {
    this.lasso = null;
  }
}
