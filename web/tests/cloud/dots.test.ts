import { describe, expect, it } from "vitest";
import { footprint, levelsOf, orderByClass, radii } from "../../src/lib/cloud/dots";

describe("dots", () => {
  it("orders rows by class, the most frequent first", () => {
    expect([...orderByClass(Uint8Array.from([2, 0, 2, 255, 2, 0]))]).toEqual([0, 2, 4, 1, 5, 3]);
  });

  it("are from a pixel to a small disc", () => {
    const all = radii(2);
    expect([all[0], all.at(-1)]).toEqual([0.5, expect.closeTo(6.2, 9)]);
    expect([...footprint(0.5, 100).offsets]).toEqual([0]);
    const { offsets, cover } = footprint(1, 100);
    expect([...offsets]).toEqual([-101, -100, -99, -1, 0, 1, 99, 100, 101]);
    expect(cover[1]).toBe(0.5);
    expect(cover[0]).toBeCloseTo(1.5 - Math.SQRT2);
  });

  it("are smaller the more there are around, in the squares beside, too", () => {
    const of = (...counts: number[]) => [...levelsOf(Float32Array.from(counts), 4, 1, 1)];
    expect(of(1, 0, 0, 1)).toEqual([13, 0, 0, 13]);
    const [crowded, beside, , far] = of(1000, 1, 0, 1);
    expect(crowded).toBeLessThan(5);
    expect(beside).toBe(crowded);
    expect(far).toBe(13);
  });
});
