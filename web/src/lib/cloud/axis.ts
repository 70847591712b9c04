// What an axis is, and where values lie on it. "Places" are values on their scale.

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

/** The ends of an axis in places: its domain, or those of what is shown. */
export function endsOfAxis(
  axis: Axis,
  scale: Scale,
  own: Float32Array,
  other: Float32Array,
  shown: Uint8Array | null,
): [number, number] {
  if (axis.domain) return [placeOf(scale, axis.domain[0]), placeOf(scale, axis.domain[1])];
  const lines = (axis.lines ?? []).map(({ at }) => placeOf(scale, at));
  return extentOf(own, other, shown, lines);
}
