// What is seen of a cloud: places on both axes against pixels of the plot.
import { placeOf, valueOf, type Scale } from "./axis";

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

/** What is around a plot, in CSS pixels. */
export interface Margin {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** A point in CSS pixels, from the top left of the plot. */
export interface Spot {
  x: number;
  y: number;
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

/** How small a part of the whole is still shown. */
const DEEPEST = 1e-4;

/** One view: it never changes, a zoom or a pan gives the rectangle of another one. */
export class Viewport {
  constructor(
    private scales: { x: Scale; y: Scale },
    /** What there is, in places. */
    readonly whole: Box,
    /** What is seen of it. */
    readonly seen: Box,
    /** The plot's, in CSS pixels. */
    readonly size: Size,
  ) {}

  private get extent(): Size {
    const { x0, x1, y0, y1 } = this.seen;
    return { width: x1 - x0, height: y1 - y0 };
  }

  toX(place: number): number {
    return ((place - this.seen.x0) / this.extent.width) * this.size.width;
  }

  toY(place: number): number {
    return ((this.seen.y1 - place) / this.extent.height) * this.size.height;
  }

  /** The places under a spot. */
  under({ x, y }: Spot): [number, number] {
    const { seen, size, extent } = this;
    return [seen.x0 + (x / size.width) * extent.width, seen.y1 - (y / size.height) * extent.height];
  }

  /** Where a point of these places is seen, null where it is not. */
  spotOf(across: number, up: number): Spot | null {
    const [x, y] = [this.toX(across), this.toY(up)];
    const within = x >= 0 && x <= this.size.width && y >= 0 && y <= this.size.height;
    return within ? { x, y } : null;
  }

  /** Whether all is seen. */
  get isWhole(): boolean {
    const { whole, extent } = this;
    return (
      extent.width >= 0.999 * (whole.x1 - whole.x0) &&
      extent.height >= 0.999 * (whole.y1 - whole.y0)
    );
  }

  /** What is seen `scale` times as wide with a spot where it is; null: the whole. */
  zoomed(scale: number, about: Spot): Box | null {
    const { seen, whole, size } = this;
    const next = zoomed(seen, scale, about.x / size.width, 1 - about.y / size.height);
    const share = (next.x1 - next.x0) / (whole.x1 - whole.x0);
    if (share > 1 && scale > 1) return null;
    return share > DEEPEST || scale > 1 ? next : seen;
  }

  /** What is seen when what lies under one spot is drawn to another. */
  moved(from: Spot, to: Spot): Box {
    const { size, extent } = this;
    const { x0, x1, y0, y1 } = this.seen;
    const dx = ((to.x - from.x) / size.width) * extent.width;
    const dy = ((to.y - from.y) / size.height) * extent.height;
    return { x0: x0 - dx, x1: x1 - dx, y0: y0 + dy, y1: y1 + dy };
  }

  /** A rectangle of places, in values. */
  valuesOf({ x0, x1, y0, y1 }: Box): Box {
    const { x, y } = this.scales;
    return { x0: valueOf(x, x0), x1: valueOf(x, x1), y0: valueOf(y, y0), y1: valueOf(y, y1) };
  }

  /** A rectangle of values, in places. */
  placesOf({ x0, x1, y0, y1 }: Box): Box {
    const { x, y } = this.scales;
    return { x0: placeOf(x, x0), x1: placeOf(x, x1), y0: placeOf(y, y0), y1: placeOf(y, y1) };
  }
}
