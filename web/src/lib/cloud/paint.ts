// What the colours of a cloud say, and the colours as pixels.
import type { Layer } from "./cells";
import type { Points } from "./points";

export type Paint =
  | { kind: "density" }
  /** Colours are names of CSS variables; what has no class is `--neither`. */
  | { kind: "classes"; of: Uint8Array; names: string[]; colours: string[] }
  | { kind: "values"; of: Float32Array; title: string; log?: boolean };

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

const VALUES = ["#440154", "#3b528b", "#21918c", "#5ec962", "#c9d93b"];
const VALUES_DARK = ["#6a4fb0", "#4a80c4", "#2fb5a8", "#7fd968", "#fde725"];
const COUNTS = ["#9cc3e0", "#4f92c4", "#20609c", "#0c2f5e"];
const COUNTS_DARK = ["#2c5b85", "#3f8fc9", "#8fccf2", "#f2fbff"];

/** The colours from the least to the most, where there are no classes. */
export function stopsOf(paint: Paint, dark: boolean): string[] {
  if (paint.kind === "values") return dark ? VALUES_DARK : VALUES;
  return dark ? COUNTS_DARK : COUNTS;
}

/** What is drawn, with values as tones between two of them. */
export function layerOf(paint: Paint, [low, high]: [number, number]): Layer {
  if (paint.kind !== "values") return paint;
  return { kind: "tones", of: tonesOf(paint.of, low, high, paint.log ?? false) };
}

/** How many of each class are shown, wherever they lie; those of none last. */
export function kindsOf(paint: Paint & { kind: "classes" }, { x, y, shown }: Points) {
  const found = new Array<number>(paint.names.length + 1).fill(0);
  for (let row = 0; row < x.length; row++)
    if ((!shown || shown[row]) && x[row] === x[row] && y[row] === y[row])
      found[Math.min(paint.of[row], paint.names.length)]++;
  return found
    .map((features, kind) => ({
      name: paint.names[kind] ?? "none",
      colour: paint.colours[kind] ?? "--neither",
      features,
    }))
    .filter(({ features }) => features > 0);
}
