// Finding sets, tokens and features by what was typed.
import type { Choice } from "../components/Combobox.svelte";
import { api } from "./api";
import { count, visible } from "./text";
import type { Sets, Tokens } from "./types";

const MOST = 50;

/** Sets whose name, or other name, holds every word that was typed; those that begin with it first. */
export function setsLike(sets: Sets, typed: string, most = MOST): Choice[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found: [number, number][] = [];
  const others = new Map<number, string[]>();
  for (const [alias, number] of Object.entries(sets.aliases))
    others.set(number, [...(others.get(number) ?? []), alias.toLowerCase()]);
  for (let number = 0; number < sets.name.length; number++) {
    const name = sets.name[number].toLowerCase();
    const fits = (one: string) => words.every((word) => one.includes(word));
    if (!fits(name) && !others.get(number)?.some(fits)) continue;
    const exact = name === words.join(" ") ? 0 : words.length && name.startsWith(words[0]) ? 1 : 2;
    found.push([exact, number]);
  }
  const written = (number: number) => sets.promoting[number] + sets.suppressing[number];
  found.sort(([a, one], [b, other]) => a - b || written(other) - written(one));
  return found.slice(0, most).map(([, number]) => ({
    value: sets.name[number],
    text: sets.name[number],
    detail: `${count(sets.size[number])} tokens`,
  }));
}

/** Tokens by text, or as it is shown (⏎, \n): the very one first, then those that begin with it, then those that hold it. */
export function tokensLike(tokens: Tokens, typed: string, most = MOST): Choice[] {
  if (!typed) return [];
  const written = typed.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
  const lower = typed.toLowerCase();
  const ranks: number[][] = [[], [], [], []];
  tokens.text.forEach((text, row) => {
    const bare = text.trimStart();
    const rank =
      [text, bare, visible(text)].includes(typed) || text === written
        ? 0
        : bare.toLowerCase() === lower
          ? 1
          : bare.toLowerCase().startsWith(lower)
            ? 2
            : text.toLowerCase().includes(lower)
              ? 3
              : -1;
    if (rank >= 0 && ranks[rank].length < most) ranks[rank].push(row);
  });
  return ranks
    .flat()
    .slice(0, most)
    .map((row) => ({
      value: String(tokens.id[row]),
      text: visible(tokens.text[row]),
      detail: `token ${tokens.id[row]}`,
    }));
}

export const findSets = async (typed: string) => setsLike(await api.sets(), typed);
export const findTokens = async (typed: string) => tokensLike(await api.tokens(), typed);
