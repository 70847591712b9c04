import { describe, expect, it } from "vitest";
import { placeOf, scaleOf, type Axis } from "../../src/lib/cloud/axis";
import { linesOf, tickText, ticksOf } from "../../src/lib/cloud/ticks";

const KURTOSIS: Axis = { title: "kurtosis", scale: "symlog", about: 3, near: 0.3 };

describe("ticks", () => {
  const texts = (axis: Axis, low: number, high: number, length = 500) =>
    ticksOf(axis, placeOf(scaleOf(axis), low), placeOf(scaleOf(axis), high), length, 40).map(
      ({ text }) => text,
    );

  it("are even on an even axis", () => {
    expect(texts({ title: "" }, -1, 1)).toEqual(["−1", "−0.5", "0", "0.5", "1"]);
    expect(texts({ title: "" }, 0, 10, 200)).toEqual(["0", "5", "10"]);
  });

  it("are round values, apart from each other, on a symlog axis", () => {
    const found = texts(KURTOSIS, 2, 100);
    expect(found).toContain("3");
    expect(found).toContain("50");
    const places = ticksOf(KURTOSIS, -1.9, 6.5, 500, 40).map(({ place }) => place);
    for (let at = 1; at < places.length; at++)
      expect(places[at] - places[at - 1]).toBeGreaterThan((40 * 8.4) / 500 - 1e-9);
  });

  it("are there however far one has zoomed in", () => {
    expect(texts(KURTOSIS, 40.1, 40.3).length).toBeGreaterThan(2);
    expect(texts(KURTOSIS, 2.999, 3.001).length).toBeGreaterThan(2);
  });

  it("are those that were given, as far as they are seen", () => {
    const ticks = [
      { at: 0, text: "none" },
      { at: 9, text: "much" },
    ];
    expect(texts({ title: "", ticks }, -1, 5)).toEqual(["none"]);
  });

  it("are written with a true minus and without noise", () => {
    expect(tickText(-0.1 - 0.2)).toBe("−0.3");
    expect(tickText(12000)).toBe("12,000");
    expect(tickText(0)).toBe("0");
  });
});

it("lines are where they are seen, on the axis's scale", () => {
  const lines = [{ at: 3 }, { at: 3.3, text: "here" }, { at: 900 }];
  expect(linesOf({ ...KURTOSIS, lines }, -0.1, 1)).toEqual([
    { place: 0, text: undefined },
    { place: expect.closeTo(Math.asinh(1), 9), text: "here" },
  ]);
});
