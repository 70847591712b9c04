// What is selected in a cloud, and what is being drawn around points.
import type { Drag } from "./gestures";
import type { Points } from "./points";
import { boxBetween, lassoTo, rowsIn, type Selection } from "./selection";
import type { Box, Spot, Viewport } from "./viewport";

/** Told of what was drawn around, with the rectangle in values if it was one; null: nothing. */
export type OnSelect = (rows: Int32Array | null, box: Box | null) => void;

export class Selecting {
  private selection = $state.raw<Selection | null>(null);
  drawing = $state.raw<Selection | null>(null);

  constructor(
    private now: { points: () => Points; port: () => Viewport },
    private tell: OnSelect,
  ) {}

  /** What is to be shown. */
  readonly outlined = $derived(this.drawing ?? this.selection);

  /** How many points are selected; null: there is no selection. */
  readonly count = $derived.by(
    () => this.selection && rowsIn(this.now.points(), this.selection).length,
  );

  /** Select something, and tell of it; null: nothing any more. */
  select(next: Selection | null): void {
    if (!next && !this.selection) return;
    this.selection = next;
    const box = next?.kind === "box" ? this.now.port().valuesOf(next.of) : null;
    this.tell(next && rowsIn(this.now.points(), next), box);
  }

  /** Take over a rectangle in values that is known outside, and tell nobody. */
  take(box: Box | null): void {
    if (box) this.selection = { kind: "box", of: this.now.port().placesOf(box) };
    else if (this.selection?.kind === "box") this.selection = null;
  }

  /** Draw a rectangle or, freely, a line, and select what is within it. */
  drag(from: Spot, freely: boolean): Drag {
    return {
      move: (here) => {
        const port = this.now.port();
        this.drawing = freely
          ? lassoTo(port, this.drawing, from, here)
          : boxBetween(port, from, here);
      },
      end: () => {
        const done = this.drawing;
        this.drawing = null;
        if (done) this.select(done);
      },
      cancel: () => (this.drawing = null),
    };
  }
}
