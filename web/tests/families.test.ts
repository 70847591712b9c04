import { describe, expect, it } from "vitest";
import {
  bound,
  familyTree,
  mostWritten,
  pairOf,
  passing,
  ranked,
  rateText,
  setsIn,
  similar,
  sortedSets,
  sortOf,
  sortText,
  street,
  within,
} from "../src/lib/families";
import type { Sets } from "../src/lib/types";

const sets: Sets = {
  name: ["months", "weekdays", "commas", "mine", "names:female"],
  family: ["meaning/time", "meaning/time", "surface/punctuation", "", "meaning/names"],
  size: [24, 15, 24, 3, 307],
  promoting: [6, 6, 9, 0, 4],
  suppressing: [2, 1, 9, 0, 4],
  aliases: {},
  aside: { name: [], family: [], set_aside: [] },
};

describe("families", () => {
  it("form a tree in the order of the library, with counts", () => {
    const tree = familyTree(sets.family);
    expect(tree.map(({ path, sets }) => [path, sets])).toEqual([
      ["meaning", 3],
      ["surface", 1],
      ["other", 1],
    ]);
    expect(tree[0].parts.map(({ path, name, sets }) => [path, name, sets])).toEqual([
      ["meaning/time", "time", 2],
      ["meaning/names", "names", 1],
    ]);
    expect(tree[2].parts).toEqual([]);
  });

  it("hold their parts, but not what begins alike", () => {
    expect(within("meaning/time", "meaning")).toBe(true);
    expect(within("meaning/time", "meaning/time")).toBe(true);
    expect(within("meanings", "meaning")).toBe(false);
    expect(within("meaning", "meaning/time")).toBe(false);
    expect(within("", "other")).toBe(true);
    expect(within("", "")).toBe(true);
  });
});

describe("sets", () => {
  it("are chosen by family and by every word", () => {
    expect(setsIn(sets, "")).toEqual([0, 1, 2, 3, 4]);
    expect(setsIn(sets, "meaning")).toEqual([0, 1, 4]);
    expect(setsIn(sets, "other")).toEqual([3]);
    expect(setsIn(sets, "meaning", "DAYS")).toEqual([1]);
    expect(setsIn(sets, "", "female names")).toEqual([4]);
    expect(setsIn(sets, "surface", "months")).toEqual([]);
  });

  it("are sorted by a column, equal ones as they were", () => {
    expect(sortedSets([0, 1, 2, 3, 4], sets, { key: "size", down: true })).toEqual([4, 0, 2, 1, 3]);
    expect(sortedSets([2, 1, 0], sets, { key: "name", down: false })).toEqual([2, 0, 1]);
    expect(sortedSets([0, 1], sets, { key: "promoting", down: true })).toEqual([0, 1]);
  });

  it("take their sort from an address", () => {
    const keys = ["size", "name"] as const;
    expect(sortOf("-size", keys)).toEqual({ key: "size", down: true });
    expect(sortOf("name", keys)).toEqual({ key: "name", down: false });
    expect(sortOf("-colour", keys)).toBeNull();
    expect(sortOf(undefined, keys)).toBeNull();
    expect(sortText({ key: "size", down: true })).toBe("-size");
  });

  it("are paired where none are named", () => {
    expect(mostWritten(sets)).toBe("commas");
    expect(mostWritten(sets, "commas")).toBe("months");
    expect(pairOf(sets)).toEqual(["commas", "months"]);
    expect(pairOf(sets, "months")).toEqual(["months", "commas"]);
    expect(pairOf(sets, "months", "mine")).toEqual(["months", "mine"]);
    const names = { ...sets, name: ["names:male", "a", "b", "c", "names:female"] };
    expect(pairOf(names)).toEqual(["names:female", "names:male"]);
    expect(pairOf({ ...sets, name: [] })).toEqual([null, null]);
  });

  it("of a like name are found", () => {
    expect(similar(sets.name, "moths")[0]).toBe("months");
    expect(similar(sets.name, "Female")[0]).toBe("names:female");
    expect(similar(sets.name, "zzz")).toEqual([]);
    expect(similar(sets.name, "")).toEqual([]);
  });
});

describe("features", () => {
  const score = Float32Array.of(1, -5, NaN, 3, 0, -2, 3);

  it("are ranked by a score, one sign at a time", () => {
    expect([...ranked(score, "up")]).toEqual([3, 6, 0]);
    expect([...ranked(score, "down")]).toEqual([1, 5]);
    expect([...ranked(score, "up", Int32Array.of(0, 1, 6))]).toEqual([6, 0]);
    expect([...ranked(score, "up", Int32Array.of())]).toEqual([]);
  });

  it("are cut to the strongest, ties by row", () => {
    expect([...ranked(score, "up", null, 1)]).toEqual([3]);
    expect([...ranked(score, "up", null, 2)]).toEqual([3, 6]);
    expect([...ranked(score, "down", null, 1)]).toEqual([1]);
    const many = Float32Array.from({ length: 5000 }, (_, row) => (row * 7919) % 5000);
    expect([...ranked(many, "up", null, 3)].map((row) => many[row])).toEqual([4999, 4998, 4997]);
  });

  it("pass a false discovery rate from a bound on, in each bank", () => {
    const banks = [
      { start: 0, features: 2 },
      { start: 2, features: 2 },
      { start: 4, features: 3 },
    ];
    // Of the first bank one fails at 1, one passes at 5, and q is 0.05 half way between.
    const limit = Math.log10(0.05);
    const log10_q = Float32Array.of(limit + 1, limit - 1, NaN, -2, -0.1, -0.2, -0.3);
    const found = bound(score, log10_q, 0.05, banks);
    expect(found.banks.map((each) => each && Number(each.toFixed(4)))).toEqual([3, 3, null]);
    expect(found.outermost).toBeCloseTo(3, 4);
    expect(bound(score, log10_q, 1e-9, banks)).toEqual({
      outermost: null,
      banks: [null, null, null],
    });
    expect(passing(score, log10_q, 0.05)).toEqual({ up: 1, down: 1 });
  });
});

describe("a rate", () => {
  it("is said in percent", () => {
    expect([0.05, 0.001, 0.025].map(rateText)).toEqual(["5\u00a0%", "0.1\u00a0%", "2.5\u00a0%"]);
  });
});

describe("a street of banks", () => {
  const banks = [
    { name: "sae.26", start: 0, features: 800 },
    { name: "mlp.1", start: 800, features: 20 },
    { name: "mlp.2", start: 820, features: 180 },
  ];

  it("has names at the middles and lines between", () => {
    expect(street(banks, 2000)).toEqual({
      ticks: [
        { at: 400, text: "sae.26" },
        { at: 810, text: "mlp.1" },
        { at: 910, text: "mlp.2" },
      ],
      ends: [{ at: 800 }, { at: 820 }],
    });
  });

  it("leaves out the names of small banks where there is no room", () => {
    expect(street(banks, 300).ticks.map(({ text }) => text)).toEqual(["sae.26", "mlp.2"]);
  });
});

it("the bound is the outermost bank's, after the last that fails", () => {
  const limit = Math.log10(0.05);
  const banks = [
    { start: 0, features: 3 },
    { start: 3, features: 2 },
  ];
  const score = Float32Array.of(0.5, 2, -4, 1, 6);
  const log10_q = Float32Array.of(0, limit + 1, limit - 1, limit + 1, limit - 1);
  const found = bound(score, log10_q, 0.05, banks);
  expect(found.banks.map((each) => Number(each!.toFixed(4)))).toEqual([3, 3.5]);
  expect(found.outermost).toBeCloseTo(3.5, 4);
});

it("a q of just the rate passes", () => {
  const counted = passing(Float32Array.of(3, -3), Float32Array.of(-2, -2), 0.01);
  expect(counted).toEqual({ up: 1, down: 1 });
});
