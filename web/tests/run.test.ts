import { expect, test } from "vitest";
import { setNumber } from "../src/lib/run.svelte";
import type { Sets } from "../src/lib/types";

const sets: Sets = {
  name: ["months", "weekdays"],
  family: ["time", "time"],
  size: [12, 7],
  promoting: [0, 0],
  suppressing: [0, 0],
  aliases: { days: 1, months: 1 },
  aside: { name: [], family: [], set_aside: [] },
};

test("sets are found by name, then by alias", () => {
  expect(["months", "weekdays", "days", "years"].map((name) => setNumber(sets, name))).toEqual([
    0, 1, 1, -1,
  ]);
});
