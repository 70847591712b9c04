import { describe, expect, it } from "vitest";
import {
  endsOfAxis,
  extentOf,
  placeOf,
  placesOf,
  scaleOf,
  valueOf,
  type Axis,
} from "../../src/lib/cloud/axis";
import { floats } from "./some";

const KURTOSIS: Axis = { title: "kurtosis", scale: "symlog", about: 3, near: 0.3 };

describe("scales", () => {
  it("gives a value back from its place", () => {
    for (const axis of [KURTOSIS, { title: "x" }])
      for (const value of [-40, 2.9, 3, 3.01, 1000])
        expect(valueOf(scaleOf(axis), placeOf(scaleOf(axis), value))).toBeCloseTo(value, 6);
  });

  it("is even near the middle and logarithmic far from it", () => {
    const at = (value: number) => placeOf(scaleOf(KURTOSIS), value);
    expect(at(3)).toBe(0);
    expect(at(3.02) - at(3.01)).toBeCloseTo(at(3.01) - at(3), 3);
    expect(at(3003) - at(303)).toBeCloseTo(Math.log(10), 3);
    expect(at(4)).toBeCloseTo(-at(2), 6);
  });

  it("places all values, and leaves linear ones as they are", () => {
    const values = floats(3, NaN, 6);
    expect(placesOf(values, scaleOf({ title: "" }))).toBe(values);
    const places = placesOf(values, scaleOf(KURTOSIS));
    expect(places[0]).toBe(0);
    expect(places[1]).toBeNaN();
    expect(places[2]).toBeCloseTo(Math.asinh(10), 5);
  });

  it("leaves room around what is shown and around the lines", () => {
    const [low, high] = extentOf(
      floats(0, 10, 99, 50),
      floats(0, 0, NaN, 0),
      new Uint8Array([1, 1, 1, 0]),
      [-2],
    );
    expect(low).toBeCloseTo(-2.48);
    expect(high).toBeCloseTo(10.48);
    expect(extentOf(floats(NaN), floats(1), null, [])).toEqual([-0.04, 1.04]);
    expect(extentOf(floats(5), floats(5), null, [])).toEqual([4, 6]);
  });

  it("ends at its domain, or where all that is shown and its lines are seen", () => {
    const even = scaleOf({ title: "" });
    const x = floats(0, 10);
    expect(endsOfAxis({ title: "", domain: [1, 2] }, even, x, x, null)).toEqual([1, 2]);
    const lines = [{ at: -2 }];
    const [low, high] = endsOfAxis({ title: "", lines }, even, x, x, null);
    expect([low, high]).toEqual([expect.closeTo(-2.48), expect.closeTo(10.48)]);
    const symlog: Axis = { title: "", scale: "symlog", domain: [0, Math.sinh(1)] };
    expect(endsOfAxis(symlog, scaleOf(symlog), x, x, null)).toEqual([0, expect.closeTo(1, 9)]);
  });
});
