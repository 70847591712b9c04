import { describe, expect, it } from "vitest";
import {
  endsOf,
  kindsOf,
  layerOf,
  pixelOf,
  rampOf,
  stopsOf,
  tonesOf,
  type Paint,
} from "../../src/lib/cloud/paint";
import { cloud, floats } from "./some";

describe("colours", () => {
  it("are pixels", () => {
    expect(pixelOf("rgb(1, 2, 3)")).toBe(0x030201);
    expect(pixelOf("rgba(255, 0, 16, 0.5)")).toBe(0x1000ff);
  });

  it("go from end to end of a ramp", () => {
    const ramp = rampOf(["#000000", "#0a0a0a", "#ff0000"], 5, 5);
    expect([...ramp]).toEqual([0, 0x050505, 0x0a0a0a, 0x050585, 0x0000ff, 5]);
  });

  it("tell where a value lies between the ends", () => {
    expect([...tonesOf(floats(0, 5, 20, -3), 0, 10, false)]).toEqual([0, 0.5, 1, 0]);
    const tones = tonesOf(floats(0.01, 1, 100, 0, NaN), 0.01, 100, true);
    expect([...tones.slice(0, 4)].map((tone) => Number(tone.toFixed(6)))).toEqual([0, 0.5, 1, 0]);
    expect(tones[4]).toBeNaN();
    expect([...tonesOf(floats(4), 4, 4, false)]).toEqual([0]);
  });

  it("leave out the outermost values, and those that are hidden", () => {
    const values = Float32Array.from({ length: 101 }, (_, at) => at);
    expect(endsOf(values, null)).toEqual([1, 99]);
    expect(endsOf(floats(-5, 0, 1, 2, 900), Uint8Array.from([1, 1, 1, 1, 0]), true)).toEqual([
      1, 2,
    ]);
    expect(endsOf(floats(NaN), null)).toEqual([0, 1]);
  });
});

describe("what is painted", () => {
  const classes: Paint = {
    kind: "classes",
    of: Uint8Array.from([0, 1, 1, 255, 1, 1]),
    names: ["flat", "diffuse", "dead"],
    colours: ["--line", "--both", "--faint"],
  };
  const values: Paint = { kind: "values", of: floats(0, 5, NaN), title: "std" };

  it("has tones between two values, and classes as they are", () => {
    expect(layerOf(values, [0, 10])).toEqual({ kind: "tones", of: floats(0, 0.5, NaN) });
    expect(layerOf(classes, [0, 1])).toBe(classes);
  });

  it("has other colours in the dark, and for values than for counts", () => {
    const found = [values, { kind: "density" } as const].flatMap((paint) =>
      [false, true].map((dark) => stopsOf(paint, dark).join()),
    );
    expect(new Set(found).size).toBe(4);
  });

  it("is of classes that are shown, those of none last", () => {
    const points = cloud([1, 2, 3, 4, NaN, 6], [1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0]);
    expect(kindsOf(classes, points)).toEqual([
      { name: "flat", colour: "--line", features: 1 },
      { name: "diffuse", colour: "--both", features: 2 },
      { name: "none", colour: "--neither", features: 1 },
    ]);
  });
});
