// What pointers do over a chart: they click, drag, hover, turn the wheel and pinch. What that means
// is for the chart to say. Spots are CSS pixels from the chart's top left.
import type { Spot } from "./viewport";

/** A drag as it goes on. */
export interface Drag {
  move: (here: Spot) => void;
  end: () => void;
  /** Nothing comes of it. */
  cancel: () => void;
}

export interface Gestured {
  /** null: the pointer has left. */
  hover: (here: Spot | null) => void;
  click: (here: Spot, touches: boolean) => void;
  doubleClick: (here: Spot) => void;
  /** A press, which is a drag once it moves. */
  drag: (from: Spot, how: { shift: boolean; middle: boolean }) => Drag;
  /** To `scale` times the extent; false: it means nothing here, and the page may scroll. */
  wheel: (scale: number, about: Spot) => boolean;
  /** The same by two fingers, whose middle went from one spot to another. */
  pinch: (scale: number, from: Spot, to: Spot) => void;
}

/** So many pixels are a drag and no click. */
const FAR = 4;

export class Gestures {
  private node!: HTMLElement;
  private pointers = new Map<number, Spot>();
  private pressed: { from: Spot; moved: boolean; drag: Drag } | null = null;

  constructor(private on: Gestured) {}

  /** Report what happens on an element; returns how to stop. */
  listen = (node: HTMLElement): (() => void) => {
    this.node = node;
    const all: [string, (event: never) => void][] = [
      ["pointerdown", this.down],
      ["pointermove", this.move],
      ["pointerup", this.release],
      ["pointercancel", this.release],
      ["pointerleave", this.leave],
      ["mousedown", stopMiddle],
      ["dblclick", this.double],
      ["wheel", this.wheel],
    ];
    // A wheel that zooms must not scroll: only an active listener can see to that.
    for (const [name, handler] of all)
      node.addEventListener(name, handler as EventListener, { passive: false });
    return () => {
      for (const [name, handler] of all) node.removeEventListener(name, handler as EventListener);
    };
  };

  /** End the drag that is going on, as if it had not been. */
  cancel(): void {
    this.pressed?.drag.cancel();
    this.pressed = null;
  }

  private at({ clientX, clientY }: MouseEvent): Spot {
    const { left, top } = this.node.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  private down = (event: PointerEvent) => {
    if (event.button > 1) return;
    const from = this.at(event);
    this.pointers.set(event.pointerId, from);
    this.node.setPointerCapture(event.pointerId);
    stopMiddle(event);
    this.cancel();
    if (this.pointers.size > 1) return;
    const how = { shift: event.shiftKey, middle: event.button === 1 };
    this.pressed = { from, moved: false, drag: this.on.drag(from, how) };
  };

  private move = (event: PointerEvent) => {
    const here = this.at(event);
    if (this.pointers.size === 2 && this.pointers.has(event.pointerId))
      return this.pinch(event.pointerId, here);
    const { pressed } = this;
    if (!pressed) {
      if (event.pointerType !== "touch") this.on.hover(here);
      return;
    }
    const { from } = pressed;
    if (!pressed.moved && Math.hypot(here.x - from.x, here.y - from.y) < FAR) return;
    pressed.moved = true;
    pressed.drag.move(here);
  };

  private pinch(moved: number, here: Spot) {
    const before = [...this.pointers.values()];
    this.pointers.set(moved, here);
    const after = [...this.pointers.values()];
    const [was, is] = [before, after].map(([one, other]) => ({
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      apart: Math.max(10, Math.hypot(one.x - other.x, one.y - other.y)),
    }));
    this.on.pinch(was.apart / is.apart, was, is);
  }

  private release = (event: PointerEvent) => {
    this.pointers.delete(event.pointerId);
    const { pressed } = this;
    if (event.type === "pointercancel" || !pressed) return this.cancel();
    this.pressed = null;
    if (pressed.moved) return pressed.drag.end();
    pressed.drag.cancel();
    if (event.button !== 1) this.on.click(this.at(event), event.pointerType === "touch");
  };

  private leave = (event: PointerEvent) => {
    if (event.pointerType !== "touch") this.on.hover(null);
  };

  private double = (event: MouseEvent) => this.on.doubleClick(this.at(event));

  private wheel = (event: WheelEvent) => {
    const turned = Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 120);
    if (this.on.wheel(Math.exp(turned * 0.002), this.at(event))) event.preventDefault();
  };
}

/** The middle button would scroll the page. */
function stopMiddle(event: MouseEvent) {
  if (event.button === 1) event.preventDefault();
}
