import { describe, expect, test } from "vitest";
import { featureLink, link, parse, setLink, tokenLink } from "../src/lib/route.svelte";

describe("parse", () => {
  test.each(["", "#", "#/", "/"])("%j is the overview", (fragment) => {
    expect(parse(fragment)).toEqual({ path: [], options: {} });
  });

  test("reads a view, what it is of, and its options", () => {
    expect(parse("#/feature/mlp.20/1036?split=months&sort=-z")).toEqual({
      path: ["feature", "mlp.20", "1036"],
      options: { split: "months", sort: "-z" },
    });
  });

  test("takes a question mark in an option as a part of it", () => {
    expect(parse(link(["sets"], { find: "what?" })).options).toEqual({ find: "what?" });
  });

  test("a percent sign that stands for nothing is itself", () => {
    expect(parse("#/sets/100%").path).toEqual(["sets", "100%"]);
  });
});

describe("link", () => {
  // Names of real sets: every character that an address gives a meaning is in one.
  test.each([
    "contains:,",
    "begins:#",
    "ends:?",
    "contains:/",
    "contains:%",
    "contains:&",
    "contains:+",
    "ends:=",
    "months",
    "category:Po",
    "script:Ελληνικά",
    "contains:\\",
    'ends:"',
    "begins: x",
    "contains:%2F",
  ])("takes the set %j there and back", (name) => {
    expect(parse(setLink(name))).toEqual({ path: ["sets", name], options: {} });
    const split = parse(featureLink("mlp.20/1036", { split: name }));
    expect(split).toEqual({ path: ["feature", "mlp.20", "1036"], options: { split: name } });
  });

  test("leaves out options that say nothing", () => {
    expect(link(["sets"], { find: "", family: null, sort: undefined, page: "2" })).toBe(
      "#/sets?page=2",
    );
    expect(link([], { find: null })).toBe("#/");
  });

  test("names a feature by bank and index, a token by id", () => {
    expect(featureLink("sae.8.width_16k/7")).toBe("#/feature/sae.8.width_16k/7");
    expect(tokenLink(0)).toBe("#/token/0");
  });
});
