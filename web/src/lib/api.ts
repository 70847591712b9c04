// What the server (or a folder of files with the same paths) knows, fetched once each.
import type {
  Feature,
  Layers,
  Nearest,
  Report,
  Rows,
  RunFacts,
  SetFacts,
  Sets,
  Token,
  Tokens,
} from "./types";

/** A thing that is not there; its message is for people. `kind` tells weights that are gone. */
export class Missing extends Error {
  constructor(
    message: string,
    readonly kind: "none" | "weights" | "broken",
  ) {
    super(message);
  }
}

/** What a report of one feature carries in its own file: gzip in base64 by path. */
declare global {
  var unembedFiles: Record<string, string> | undefined;
}

const kept = new Map<string, Promise<unknown>>();
const MOST_KEPT = 400;

function once<T>(path: string, read: (response: Response) => Promise<T>): Promise<T> {
  let found = kept.get(path) as Promise<T> | undefined;
  if (found) kept.delete(path);
  else {
    found = answer(path).then(read);
    found.catch(() => kept.delete(path));
  }
  kept.set(path, found);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
  return found;
}

/** Whether the page is a folder of files, or one, in which not all is there. */
export const isReport = () =>
  globalThis.unembedFiles !== undefined ||
  document.querySelector("meta[name=unembed-report]") !== null;

async function answer(path: string): Promise<Response> {
  const files = globalThis.unembedFiles;
  if (files) {
    if (!(path in files)) throw new Missing("This is not in this file.", "none");
    const packed = Uint8Array.from(atob(files[path]), (character) => character.charCodeAt(0));
    return new Response(new Response(packed).body!.pipeThrough(new DecompressionStream("gzip")));
  }
  let response;
  try {
    response = await fetch(`api/${path}`);
  } catch {
    throw new Missing("The server does not answer. Is `unembed explore` still running?", "broken");
  }
  // some hosts answer what is not there with the page itself, and that all is well
  const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.ok && !isPage) return response;
  if (isReport()) throw new Missing("This is not in this report.", "none");
  const message = await response
    .json()
    .then((body) => body.error as string | undefined)
    .catch(() => undefined);
  const kind = response.status === 409 ? "weights" : response.status < 500 ? "none" : "broken";
  throw new Missing(message ?? `There is nothing here (${response.status}).`, kind);
}

const json = <T>(path: string) => once(path, (r) => r.json() as Promise<T>);
const floats = (path: string) => once(path, async (r) => new Float32Array(await r.arrayBuffer()));
const ints = (path: string) => once(path, async (r) => new Int32Array(await r.arrayBuffer()));
const bytes = (path: string) => once(path, async (r) => new Uint8Array(await r.arrayBuffer()));

export type FloatColumn =
  | "std"
  | "skewness"
  | "kurtosis"
  | "mean"
  | "log10_density"
  | "left_tail"
  | "right_tail"
  | "partition_r2";

export const api = {
  run: () => json<RunFacts>("run.json"),
  /** One value a feature, in the order of the run; NaN where there is none. */
  column: (name: FloatColumn) => floats(`columns/${name}.bin`),
  /** The feature's index in its bank. */
  indices: () => ints("columns/index.bin"),
  /** A place in `RunFacts.classes`, 255 where there is none. */
  classes: () => bytes("columns/class.bin"),
  /** A place in `RunFacts.agreement`, 255 where there is none. */
  agreement: () => bytes("columns/agreement.bin"),
  rows: (page: number) => json<Rows>(`rows/${page}.json`),
  feature: (address: string) => json<Feature>(`features/${address}.json`),
  /** Logit weights by token row (see `tokens`), read from the model's weights. */
  weights: (address: string) => floats(`features/${address}/weights.f32`),
  nearest: (address: string) => json<Nearest>(`features/${address}/nearest.json`),
  sets: () => json<Sets>("sets.json"),
  set: (number: number) => json<SetFacts>(`sets/${number}.json`),
  /** Token rows of a set, ascending. */
  members: (number: number) => ints(`sets/${number}/members.i32`),
  /** A score of every feature with one set. */
  scores: (number: number, score: "z" | "log10_p" | "log10_q") =>
    floats(`sets/${number}/${score}.f32`),
  /** z of every feature for one set against another, from the model's weights. */
  contrast: (promoted: number, against: number) =>
    floats(`sets/${promoted}/against/${against}.f32`),
  tokens: () => json<Tokens>("tokens.json"),
  /** Pairs: a row of W_U, or of W_E, that is identical to others, and the first of these. */
  ties: (reads: boolean) => ints(reads ? "ties_read.i32" : "ties.i32"),
  token: (row: number) => json<Token>(`tokens/${row}.json`),
  /** A token's logit weight in every feature, from the model's weights. */
  tokenWeights: (row: number) => floats(`tokens/${row}/weights.f32`),
  layers: () => json<Layers>("layers.json"),
  /** Of a report: the features that have views in it. */
  report: () => json<Report>("report.json"),
};
