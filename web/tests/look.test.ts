import { expect, test } from "vitest";
import { setsLike, tokensLike } from "../src/lib/look";
import type { Sets, Tokens } from "../src/lib/types";

/** Sets by name, with how many features write each. */
function sets(written: Record<string, number>): Sets {
  const name = Object.keys(written);
  return {
    name,
    family: name.map(() => "grammar"),
    size: name.map((_, at) => 1000 * (at + 1)),
    promoting: Object.values(written),
    suppressing: name.map(() => 0),
    aliases: {},
    aside: { name: [], family: [], set_aside: [] },
  };
}

const names = (found: { value: string }[]) => found.map(({ value }) => value);

test("the set of that very name is first, then those that begin with it, then those with it", () => {
  const all = sets({ "abbreviated:months": 90, months_of_spring: 20, months: 1, days: 500 });
  expect(names(setsLike(all, "months"))).toEqual([
    "months",
    "months_of_spring",
    "abbreviated:months",
  ]);
  expect(names(setsLike(all, "MONTHS"))[0]).toBe("months");
});

test("of sets that fit alike, those that more features write are first", () => {
  const all = sets({ names_a: 1, names_b: 30, names_c: 2 });
  expect(names(setsLike(all, "names"))).toEqual(["names_b", "names_c", "names_a"]);
});

test("a set has to hold every word, in any order", () => {
  const all = sets({ "names:female": 1, "names:male": 1, "words:female": 1 });
  expect(names(setsLike(all, "female names"))).toEqual(["names:female"]);
});

test("without words, the sets that are written most", () => {
  const all = sets({ few: 1, many: 30, some: 5 });
  expect(names(setsLike(all, "  ", 2))).toEqual(["many", "some"]);
});

test("a set says how large it is", () => {
  expect(setsLike(sets({ days: 1 }), "days")).toEqual([
    { value: "days", text: "days", detail: "1,000 tokens" },
  ]);
});

const TEXTS = ["unlike", " likely", "LIKE", " like", "like", "other", " "];
const tokens: Tokens = { id: TEXTS.map((_, row) => row + 100), text: TEXTS };

test("a token of that very text is first, then other case, beginning, middle", () => {
  expect(tokensLike(tokens, "like").map(({ text }) => text)).toEqual([
    "␣like",
    "like",
    "LIKE",
    "␣likely",
    "unlike",
  ]);
});

test("a token is given back by id", () => {
  expect(tokensLike(tokens, "other")).toEqual([
    { value: "105", text: "other", detail: "token 105" },
  ]);
});

test("a space that is typed is sought", () => {
  expect(tokensLike(tokens, " like").map(({ value }) => value)).toEqual(["103", "101"]);
});

test("no more tokens than are asked for, and none for nothing", () => {
  expect(tokensLike(tokens, "like", 2)).toHaveLength(2);
  expect(tokensLike(tokens, "")).toEqual([]);
});

test("a set is found by its other names", () => {
  const all = { ...sets({ digits: 1, days: 2 }), aliases: { "category:Nd": 0 } };
  expect(names(setsLike(all, "category:nd"))).toEqual(["digits"]);
});

test("a line break is found as it is shown, and as it is written", () => {
  const all: Tokens = { id: [3, 4, 5], text: ["n", "\n", "\t"] };
  expect(names(tokensLike(all, "⏎"))).toEqual(["4"]);
  expect(names(tokensLike(all, "\\n"))).toEqual(["4"]);
  expect(names(tokensLike(all, "\\t"))).toEqual(["5"]);
});
