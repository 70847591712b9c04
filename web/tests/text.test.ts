import { describe, expect, test } from "vitest";
import { count, number, percent, power, signed, visible } from "../src/lib/text";

describe("visible", () => {
  test.each([
    [" the", "␣the"],
    ["the  ", "the␣␣"],
    ["in the", "in the"],
    ["   ", "␣␣␣"],
    ["\n\t\r", "⏎⇥␍"],
    ["\u00a0", "⍽"],
    ["\u200b", "∅"],
    ["\u0000\u009f", "\\x00\\x9f"],
    ["·", "·"],
    ["日本", "日本"],
  ])("%j is written %j", (token, written) => expect(visible(token)).toBe(written));
});

describe("number", () => {
  test.each([
    [1.234, 2, "1.23"],
    [-1.234, 1, "−1.2"],
    [0, 2, "0.00"],
    [0.006, 2, "0.01"],
    [0.0049, 2, "4.9e−3"],
    [0.00123, 2, "1.2e−3"],
    [-0.004, 2, "−4.0e−3"],
    [null, 2, "–"],
    [undefined, 2, "–"],
    [NaN, 2, "–"],
  ])("%j to %j digits is %j", (value, digits, written) =>
    expect(number(value, digits)).toBe(written),
  );

  test("with its sign", () => {
    expect([signed(2.25, 2), signed(-2.25, 2), signed(-0.004), signed(0), signed(null)]).toEqual([
      "+2.25",
      "−2.25",
      "0.0",
      "0.0",
      "–",
    ]);
  });
});

test("counts have commas, shares per cent", () => {
  expect(count(1234567)).toBe("1,234,567");
  expect([percent(0.1234), percent(1, 0), percent(null)]).toEqual(["12.3 %", "100 %", "–"]);
});

describe("power", () => {
  test.each([
    [0, "1.000"],
    [Math.log10(0.012), "0.012"],
    [-3, "1·10⁻³"],
    [Math.log10(3e-8), "3·10⁻⁸"],
    [-324.5, "3·10⁻³²⁵"],
    [null, "–"],
    [NaN, "–"],
  ])("10 to the %j is %j", (log10, written) => expect(power(log10)).toBe(written));

  // Every value is written within half a unit of its one digit.
  test("stays near what it is given", () => {
    for (let log10 = -40; log10 < -3; log10 += 0.013) {
      const [, front, whole] = power(log10).match(/^(\d)·10⁻(.*)$/)!;
      const exponent = Number([...whole].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).join(""));
      const error = Math.abs(Number(front) - 10 ** (log10 + exponent));
      expect(error).toBeLessThanOrEqual(0.5 + 1e-9);
    }
  });
});
