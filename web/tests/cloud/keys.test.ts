import { describe, expect, it } from "vitest";
import { press, type Keyed } from "../../src/lib/cloud/keys";

/** Press a key; gives what it did, and whether the page still sees it. */
function pressed(key: string, { ctrlKey = false, there = true } = {}) {
  const done: unknown[] = [];
  const on: Keyed = {
    step: (dx, dy) => done.push(["step", dx, dy]),
    open: () => (done.push("open"), there),
    leave: () => done.push("leave"),
    hold: () => done.push("hold"),
    zoom: (scale) => done.push(scale < 1 ? "nearer" : "farther"),
    reset: () => done.push("reset"),
  };
  const event = Object.assign(new Event("keydown", { cancelable: true }), { key, ctrlKey });
  press(event as KeyboardEvent, on);
  return { done, kept: event.defaultPrevented };
}

describe("keys", () => {
  it.each([
    ["ArrowLeft", ["step", -1, 0]],
    ["ArrowRight", ["step", 1, 0]],
    ["ArrowUp", ["step", 0, -1]],
    ["ArrowDown", ["step", 0, 1]],
    ["Enter", "open"],
    ["Escape", "leave"],
    [" ", "hold"],
    ["+", "nearer"],
    ["=", "nearer"],
    ["-", "farther"],
    ["0", "reset"],
  ])("%j does one thing, and the page has nothing of it", (key, what) => {
    expect(pressed(key)).toEqual({ done: [what], kept: true });
  });

  it("are the page's where they mean nothing here", () => {
    expect(pressed("j")).toEqual({ done: [], kept: false });
    expect(pressed("+", { ctrlKey: true })).toEqual({ done: [], kept: false });
    expect(pressed("Enter", { there: false })).toEqual({ done: ["open"], kept: false });
  });
});
