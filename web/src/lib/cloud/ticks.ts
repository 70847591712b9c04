// The ticks of an axis, and the lines that it was given, as far as they are seen.
import { placeOf, scaleOf, valueOf, type Axis } from "./axis";

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

/** The given lines of an axis between two places, each at its own. */
export function linesOf(axis: Axis, low: number, high: number): { place: number; text?: string }[] {
  const scale = scaleOf(axis);
  return (axis.lines ?? [])
    .map(({ at, text }) => ({ place: placeOf(scale, at), text }))
    .filter(({ place }) => place >= low && place <= high);
}
