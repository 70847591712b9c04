// The colours of a cloud as the page has them now: light or dark, for classes or values.
import { colour, theme } from "../theme.svelte";
import { endsOf, layerOf, pixelOf, rampOf, stopsOf, type Paint } from "./paint";

export class Colouring {
  constructor(private now: { paint: () => Paint; shown: () => Uint8Array | null }) {}

  /** The values that have the first and the last colour. */
  readonly ends = $derived.by<[number, number]>(() => {
    const paint = this.now.paint();
    return paint.kind === "values" ? endsOf(paint.of, this.now.shown(), paint.log) : [0, 1];
  });

  readonly layer = $derived.by(() => layerOf(this.now.paint(), this.ends));

  private readonly dark = $derived.by(() => {
    void theme.version;
    return (pixelOf(colour("--ink")) & 0xff) > 128;
  });

  /** From the least to the most, where there are no classes. */
  readonly stops = $derived.by(() => stopsOf(this.now.paint(), this.dark));

  // Asking for a colour costs a layout, so only when it may have changed.
  private readonly names = $derived.by(() => {
    const paint = this.now.paint();
    return paint.kind === "classes" ? paint.colours.join(" ") : "";
  });

  /** As `Cells.colour` takes them. */
  readonly pixels = $derived.by(() => {
    void theme.version;
    const none = pixelOf(colour("--neither"));
    if (!this.names) return rampOf(this.stops, none);
    return Uint32Array.from([...this.names.split(" ").map((name) => pixelOf(colour(name))), none]);
  });
}
