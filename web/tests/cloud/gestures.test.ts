import { beforeEach, describe, expect, it } from "vitest";
import { Gestures } from "../../src/lib/cloud/gestures";
import type { Spot } from "../../src/lib/cloud/viewport";

/** An element 100 pixels from the page's left and 50 from its top, as far as gestures ask. */
class Chart extends EventTarget {
  setPointerCapture() {}
  getBoundingClientRect = () => ({ left: 100, top: 50 });
}

let said: string[];
let chart: Chart;
let gestures: Gestures;
let stop: () => void;
let zooms: boolean;

const at = (spot: Spot | null) => (spot ? `${spot.x},${spot.y}` : "nowhere");

beforeEach(() => {
  [said, zooms] = [[], true];
  chart = new Chart();
  gestures = new Gestures({
    hover: (here) => said.push(`hover ${at(here)}`),
    click: (here, touches) => said.push(`${touches ? "tap" : "click"} ${at(here)}`),
    doubleClick: (here) => said.push(`double ${at(here)}`),
    drag(from, { shift, middle }) {
      said.push(`press ${at(from)}${shift ? " shift" : ""}${middle ? " middle" : ""}`);
      return {
        move: (here) => said.push(`drag ${at(here)}`),
        end: () => said.push("end"),
        cancel: () => said.push("cancel"),
      };
    },
    wheel(scale, about) {
      said.push(`wheel ${scale.toFixed(3)} ${at(about)}`);
      return zooms;
    },
    pinch: (scale, from, to) => said.push(`pinch ${scale} ${at(from)} to ${at(to)}`),
  });
  stop = gestures.listen(chart as unknown as HTMLElement);
});

/** An event at a spot of the chart; gives whether the page may act on it, too. */
function happen(type: string, x: number, y: number, more: object = {}): boolean {
  const event = new Event(type, { cancelable: true });
  const facts = { pointerId: 1, pointerType: "mouse", button: 0, shiftKey: false, ...more };
  return chart.dispatchEvent(Object.assign(event, { clientX: x + 100, clientY: y + 50, ...facts }));
}

describe("gestures", () => {
  it("are a click where nothing moves by more than a tremble", () => {
    happen("pointerdown", 10, 20);
    happen("pointermove", 12, 22);
    happen("pointerup", 12, 22);
    happen("dblclick", 12, 22);
    expect(said).toEqual(["press 10,20", "cancel", "click 12,22", "double 12,22"]);
  });

  it("are a drag from where it began, and no click", () => {
    happen("pointerdown", 10, 20, { shiftKey: true });
    for (const x of [13, 14, 30, 11]) happen("pointermove", x, 20);
    happen("pointerup", 11, 20);
    happen("pointermove", 5, 5);
    const drag = ["drag 14,20", "drag 30,20", "drag 11,20"];
    expect(said).toEqual(["press 10,20 shift", ...drag, "end", "hover 5,5"]);
  });

  it("are a drag by the middle button too, which neither clicks nor scrolls", () => {
    expect(happen("pointerdown", 10, 20, { button: 1 })).toBe(false);
    expect(happen("mousedown", 10, 20, { button: 1 })).toBe(false);
    expect(happen("mousedown", 10, 20)).toBe(true);
    happen("pointerup", 10, 20, { button: 1 });
    happen("pointerdown", 10, 20, { button: 2 });
    happen("pointerup", 10, 20, { button: 2 });
    expect(said).toEqual(["press 10,20 middle", "cancel"]);
  });

  it("hover with a mouse, and not with a finger", () => {
    happen("pointermove", 1, 2);
    happen("pointerleave", 1, 2);
    happen("pointermove", 1, 2, { pointerType: "touch" });
    happen("pointerleave", 1, 2, { pointerType: "touch" });
    expect(said).toEqual(["hover 1,2", "hover nowhere"]);
  });

  it("are given up when the browser takes the pointer, or the chart says so", () => {
    for (const end of [() => happen("pointercancel", 30, 20), () => gestures.cancel()]) {
      said = [];
      happen("pointerdown", 10, 20);
      happen("pointermove", 30, 20);
      end();
      happen("pointerup", 30, 20);
      expect(said).toEqual(["press 10,20", "drag 30,20", "cancel"]);
    }
  });

  it("are a pinch with two fingers, and then neither drag nor tap", () => {
    const [one, other] = [1, 2].map((pointerId) => ({ pointerId, pointerType: "touch" }));
    happen("pointerdown", 10, 20, one);
    happen("pointerdown", 30, 20, other);
    happen("pointermove", 50, 20, other);
    happen("pointerup", 50, 20, other);
    happen("pointermove", 40, 20, one);
    happen("pointerup", 40, 20, one);
    happen("pointerdown", 7, 7, one);
    happen("pointerup", 7, 7, one);
    expect(said).toEqual([
      "press 10,20",
      "cancel",
      "pinch 0.5 20,20 to 30,20",
      "press 7,7",
      "cancel",
      "tap 7,7",
    ]);
  });

  it("turn the wheel by so much at the most, and leave it to the page where it means nothing", () => {
    expect(happen("wheel", 5, 6, { deltaY: -50 })).toBe(false);
    expect(happen("wheel", 5, 6, { deltaY: 5000 })).toBe(false);
    zooms = false;
    expect(happen("wheel", 5, 6, { deltaY: 120 })).toBe(true);
    expect(said).toEqual(["wheel 0.905 5,6", "wheel 1.271 5,6", "wheel 1.271 5,6"]);
  });

  it("are no longer reported once one has stopped", () => {
    stop();
    happen("pointermove", 1, 2);
    happen("pointerdown", 1, 2);
    happen("wheel", 1, 2, { deltaY: 1 });
    expect(said).toEqual([]);
  });
});
