// What keys do on a chart that has the focus.

export interface Keyed {
  /** To the next point on one side. */
  step: (dx: number, dy: number) => void;
  /** Open the point; false where there is none. */
  open: () => boolean;
  /** Give up what is drawn, selected or pointed at. */
  leave: () => void;
  /** The space bar is down. */
  hold: () => void;
  /** To `scale` times the extent. */
  zoom: (scale: number) => void;
  /** Show all. */
  reset: () => void;
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 1.4;

/** Do what a key stands for, and keep it from the page; others are left to it. */
export function press(event: KeyboardEvent, on: Keyed): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (key in ARROWS) on.step(...ARROWS[key]);
  else if (key === "Enter") {
    if (!on.open()) return;
  } else if (key === "Escape") on.leave();
  else if (key === " ") on.hold();
  else if (key === "+" || key === "=") on.zoom(1 / STEP);
  else if (key === "-") on.zoom(STEP);
  else if (key === "0") on.reset();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
