// What is said of a feature where the pointer rests on its point.
import { api } from "./api";
import { featureLink } from "./route.svelte";
import { addressOf, run } from "./run.svelte";
import { visible } from "./text";

/** Address, class and label of a feature, and the tokens that it promotes most. */
export async function described(row: number): Promise<string[]> {
  const { page, classes } = run();
  const [indices, kinds, rows] = await Promise.all([
    api.indices(),
    api.classes(),
    api.rows(Math.floor(row / page)),
  ]);
  const at = row - rows.start;
  const kind = classes[kinds[row]];
  const tokens = rows.top[at]?.slice(0, 4).map(visible).join("  ");
  return [
    addressOf(row, indices) + (kind ? ` · ${kind}` : ""),
    ...(rows.label[at] ? [rows.label[at]] : []),
    ...(tokens ? [`top: ${tokens}`] : []),
  ];
}

export async function openFeature(row: number): Promise<void> {
  location.hash = featureLink(addressOf(row, await api.indices()));
}
