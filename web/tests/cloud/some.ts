// Points that several tests share.
import type { Points } from "../../src/lib/cloud/points";

export const floats = (...values: number[]) => Float32Array.from(values);

export const cloud = (x: number[], y: number[], shown: number[] | null = null): Points => ({
  x: floats(...x),
  y: floats(...y),
  shown: shown && Uint8Array.from(shown),
});

/** The same "random" numbers from 0 to 1 every time. */
export function numbers(n: number, seed = 1): Float32Array {
  let state = seed;
  return new Float32Array(n).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}
