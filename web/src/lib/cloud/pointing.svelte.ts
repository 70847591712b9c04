// The point that is pointed at, and what is said of it.

type Said = (row: number) => string[] | Promise<string[]>;

export class Pointing {
  /** −1: none. */
  row = $state(-1);
  /** Line by line, once it is known. */
  said = $state.raw<string[]>([]);
  /** By arrow keys: then it stays when the pointer moves elsewhere. */
  byKeys = $state(false);

  constructor(private tell: Said) {}

  async to(row: number, byKeys = false): Promise<void> {
    this.byKeys = byKeys;
    if (row === this.row) return;
    this.row = row;
    this.said = [];
    if (row < 0) return;
    let lines: string[];
    try {
      lines = await this.tell(row);
    } catch (error) {
      lines = [error instanceof Error ? error.message : String(error)];
    }
    // Meanwhile it may be another point.
    if (row === this.row) this.said = lines;
  }
}
