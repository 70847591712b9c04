import { expect, test } from "vitest";
import { Pointing } from "../../src/lib/cloud/pointing.svelte";

test("what comes late is not said of another point", async () => {
  const answers = new Map<number, (lines: string[]) => void>();
  const pointing = new Pointing((row) => new Promise((answer) => answers.set(row, answer)));
  const [first, second] = [pointing.to(1), pointing.to(2, true)];
  expect([pointing.row, pointing.byKeys, pointing.said]).toEqual([2, true, []]);
  answers.get(2)!(["two"]);
  await second;
  answers.get(1)!(["one"]);
  await first;
  expect(pointing.said).toEqual(["two"]);
  await pointing.to(-1);
  expect([pointing.row, pointing.byKeys, pointing.said]).toEqual([-1, false, []]);
});

test("the same point is asked of once, and a failure is said", async () => {
  let asked = 0;
  const pointing = new Pointing(() => {
    asked++;
    throw new Error("It is gone.");
  });
  await pointing.to(3);
  await pointing.to(3, true);
  expect(asked).toBe(1);
  expect([pointing.said, pointing.byKeys]).toEqual([["It is gone."], true]);
});
