// The run that the page shows, read once at the start, and what follows from it.
import { api } from "./api";
import type { Bank, RunFacts, Sets } from "./types";

let loaded: RunFacts | undefined;

export async function open(): Promise<RunFacts> {
  loaded = await api.run();
  return loaded;
}

/** The run's facts; views are only shown once they are here. */
export function run(): RunFacts {
  if (!loaded) throw new Error("The run is not read yet.");
  return loaded;
}

/** What a feature has of each token, as it is called under the run's lens. */
export const weights = () => (run().lens === "cosine" ? "cosines" : "logit weights");

/** The lenses that banks are read through, in order. */
export const lenses = (): string[] => [...new Set(run().banks.map(({ lens }) => lens))];

export function bankOf(row: number): Bank {
  const { banks } = run();
  let found = banks[0];
  for (const bank of banks) if (bank.start <= row) found = bank;
  return found;
}

/** `bank/index` of a row; indices as `api.indices` gives them. */
export function addressOf(row: number, indices: Int32Array): string {
  return `${bankOf(row).name}/${indices[row]}`;
}

/** The row of `bank/index`, −1 where there is none. */
export function rowOf(address: string, indices: Int32Array): number {
  const at = address.lastIndexOf("/");
  const bank = run().banks.find((each) => each.name === address.slice(0, at));
  const index = Number(address.slice(at + 1));
  if (!bank || !Number.isInteger(index)) return -1;
  const stop = bank.start + bank.features;
  if (indices[bank.start + index] === index) return bank.start + index;
  const found = indices.subarray(bank.start, stop).indexOf(index);
  return found < 0 ? -1 : bank.start + found;
}

const numbers = new WeakMap<Sets, Map<string, number>>();

/** The number of a set by name or alias, −1 where there is none. */
export function setNumber(sets: Sets, name: string): number {
  let found = numbers.get(sets);
  if (!found) {
    const names = sets.name.map((each, at) => [each, at] as const);
    found = new Map([...Object.entries(sets.aliases), ...names]);
    numbers.set(sets, found);
  }
  return found.get(name) ?? -1;
}
