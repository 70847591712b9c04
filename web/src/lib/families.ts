// Token sets by family, what is written of them, and features in order of a score. All pure.
import type { Bank, Sets } from "./types";

export interface Family {
  /** Its whole name, such as `meaning/time`; what `within` compares. */
  path: string;
  /** The last part of it. */
  name: string;
  /** How many sets it holds, those of its parts among them. */
  sets: number;
  parts: Family[];
}

/** A family's name as it is shown: a set of one's own may have none. */
export const familyName = (family: string) => family || "other";

/** Families as a tree, in the order in which the library has them. */
export function familyTree(families: string[]): Family[] {
  const top: Family[] = [];
  const known = new Map<string, Family>();
  for (const family of families) {
    let parts = top;
    let path = "";
    for (const name of familyName(family).split("/")) {
      path = path ? `${path}/${name}` : name;
      let found = known.get(path);
      if (!found) {
        found = { path, name, sets: 0, parts: [] };
        known.set(path, found);
        parts.push(found);
      }
      found.sets++;
      parts = found.parts;
    }
  }
  return top;
}

/** Whether a family is another or a part of it; all are within "". */
export function within(family: string, whole: string): boolean {
  const name = familyName(family);
  return !whole || name === whole || name.startsWith(`${whole}/`);
}

/** The numbers of the sets in a family whose name holds every word of a text. */
export function setsIn(sets: Pick<Sets, "name" | "family">, family: string, text = ""): number[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found: number[] = [];
  sets.name.forEach((each, number) => {
    const name = each.toLowerCase();
    if (within(sets.family[number], family) && words.every((word) => name.includes(word)))
      found.push(number);
  });
  return found;
}

export const SET_COLUMNS = ["name", "family", "size", "promoting", "suppressing"] as const;
export type SetColumn = (typeof SET_COLUMNS)[number];
export interface Sort<Key extends string = string> {
  key: Key;
  down: boolean;
}

/** A sort as an address has it: `size`, or `-size` from the largest. */
export const sortText = ({ key, down }: Sort) => (down ? `-${key}` : key);

/** The sort that an address has, where its key is known. */
export function sortOf<Key extends string>(
  text: string | undefined,
  keys: readonly Key[],
): Sort<Key> | null {
  const down = text?.startsWith("-") ?? false;
  const key = keys.find((each) => each === (down ? text!.slice(1) : text));
  return key ? { key, down } : null;
}

/** Sets in order of a column; what is equal stays in the order of the library. */
export function sortedSets(numbers: number[], sets: Sets, { key, down }: Sort<SetColumn>) {
  const values = sets[key];
  const sign = down ? -1 : 1;
  return numbers.toSorted((one, other) => {
    const [a, b] = [values[one], values[other]];
    return sign * (a < b ? -1 : a > b ? 1 : 0) || one - other;
  });
}

/** The set that the features write most, but for one. */
export function mostWritten(sets: Sets, but: string | null = null): string | null {
  let best: string | null = null;
  let most = -1;
  sets.name.forEach((name, number) => {
    const written = sets.promoting[number] + sets.suppressing[number];
    if (name !== but && written > most) [best, most] = [name, written];
  });
  return best;
}

/** The two sets to compare where not both are named: the post's names if they are there. */
export function pairOf(sets: Sets, across?: string, up?: string): [string | null, string | null] {
  if (!across && sets.name.includes("names:female") && sets.name.includes("names:male"))
    return ["names:female", "names:male"];
  const first = across ?? mostWritten(sets);
  return [first, up ?? mostWritten(sets, first)];
}

/** Names most like a wrong one, by the pairs of letters that they share. */
export function similar(names: readonly string[], wanted: string, most = 3): string[] {
  const mine = pairsOfLetters(wanted);
  const scored: [number, string][] = [];
  for (const name of names) {
    const theirs = pairsOfLetters(name);
    let shared = 0;
    for (const pair of mine) if (theirs.has(pair)) shared++;
    const score = (2 * shared) / (mine.size + theirs.size || 1);
    if (score > 0.3) scored.push([score, name]);
  }
  scored.sort(([a], [b]) => b - a);
  return scored.slice(0, most).map(([, name]) => name);
}

function pairsOfLetters(name: string): Set<string> {
  const text = name.toLowerCase();
  const pairs = new Set<string>();
  for (let at = 0; at + 1 < text.length; at++) pairs.add(text.slice(at, at + 2));
  return pairs;
}

/** The features that a score puts furthest up (or down), the furthest first. */
export function ranked(
  score: Float32Array,
  sign: "up" | "down",
  among: Int32Array | null = null,
  most = 1000,
): Int32Array {
  const side = sign === "up" ? 1 : -1;
  const rows: number[] = [];
  const add = (row: number) => {
    if (side * score[row] > 0) rows.push(row);
  };
  if (among) among.forEach(add);
  else for (let row = 0; row < score.length; row++) add(row);
  if (rows.length > most) {
    // A plain sort of numbers is far faster than one that compares: find where to cut with it.
    const values = Float32Array.from(rows, (row) => side * score[row]).sort();
    const least = values[values.length - most];
    rows.splice(0, rows.length, ...rows.filter((row) => side * score[row] >= least));
  }
  rows.sort((one, other) => side * (score[other] - score[one]) || one - other);
  return Int32Array.from(rows.slice(0, most));
}

/** How many features of each sign pass a false discovery rate. */
export function passing(score: Float32Array, log10_q: Float32Array, max_q: number) {
  const found = { up: 0, down: 0 };
  const limit = Math.log10(max_q);
  for (let row = 0; row < score.length; row++)
    if (log10_q[row] <= limit) found[score[row] > 0 ? "up" : "down"]++;
  return found;
}

export interface Bound {
  /** The outermost of the banks' bounds, null where no feature passes. */
  outermost: number | null;
  /** Of each bank, null where none of its features passes. */
  banks: (number | null)[];
}

/**
 * Where |score| begins to pass a false discovery rate. q falls as |score| grows, but otherwise in
 * each bank, whose pairs are counted together. The bound lies between the last feature that fails
 * and the first that passes, which may be far apart: log q is taken as even between them.
 */
export function bound(
  score: Float32Array,
  log10_q: Float32Array,
  max_q: number,
  banks: Pick<Bank, "start" | "features">[],
): Bound {
  const limit = Math.log10(max_q);
  const found = banks.map(({ start, features }) => {
    let [fails, passes] = [-1, -1];
    for (let row = start; row < start + features; row++) {
      const size = Math.abs(score[row]);
      if (log10_q[row] <= limit) {
        if (passes < 0 || size < Math.abs(score[passes])) passes = row;
      } else if (size >= 0 && (fails < 0 || size > Math.abs(score[fails]))) fails = row;
    }
    if (passes < 0) return null;
    const first = Math.abs(score[passes]);
    if (fails < 0) return first;
    const last = Math.abs(score[fails]);
    const way = (limit - log10_q[fails]) / (log10_q[passes] - log10_q[fails]);
    return last + way * (first - last);
  });
  const known = found.filter((each) => each !== null);
  return { outermost: known.length ? Math.max(...known) : null, banks: found };
}

/** A false discovery rate as it is said: `5 %`, not to be broken. */
export const rateText = (rate: number | null) =>
  `${Number((100 * (rate ?? 0)).toPrecision(3))}\u00a0%`;

/** The banks' names at the middles of their stretches, as many as there is room for, and their ends. */
export function street(banks: Pick<Bank, "name" | "start" | "features">[], room: number) {
  const all = banks.reduce((sum, bank) => sum + bank.features, 0);
  const LETTER = 7.5;
  const taken: [number, number][] = [];
  const ticks: { at: number; text: string }[] = [];
  for (const bank of banks.toSorted((a, b) => b.features - a.features)) {
    const at = bank.start + bank.features / 2;
    const half = ((bank.name.length + 1) * LETTER) / 2;
    const [left, right] = [(at / all) * room - half, (at / all) * room + half];
    if (taken.some(([from, to]) => left < to && right > from)) continue;
    taken.push([left, right]);
    ticks.push({ at, text: bank.name });
  }
  return {
    ticks: ticks.toSorted((a, b) => a.at - b.at),
    ends: banks.slice(1).map((bank) => ({ at: bank.start })),
  };
}
