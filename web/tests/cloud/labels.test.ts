import { describe, expect, it } from "vitest";
import { labelsOf } from "../../src/lib/cloud/labels";

describe("labels", () => {
  it("do not cover each other, and stay within", () => {
    const found = labelsOf(
      [
        { x: 50, y: 50, text: "one" },
        { x: 95, y: 50, text: "another" },
      ],
      { width: 100, height: 100 },
    );
    expect(found[0]).toMatchObject({ text: "one", anchor: "start" });
    expect(found[1]?.anchor).not.toBe("start");
  });

  it("are left out where there is no room", () => {
    const text = "a name that is longer than all of the picture";
    expect(labelsOf([{ x: 50, y: 50, text }], { width: 100, height: 100 })).toEqual([null]);
  });
});
