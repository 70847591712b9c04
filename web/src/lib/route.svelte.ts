// Where the reader is: a view, what it is of, and its options, all in the URL's fragment, such as
// `#/feature/mlp.20/1036?split=months`. So back, forward, reload and a copied link work.
export interface Place {
  /** The path's parts: the view first. */
  path: string[];
  options: Record<string, string>;
}

export function parse(fragment: string): Place {
  const [path, query = ""] = fragment.replace(/^#?\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { path: parts, options: Object.fromEntries(new URLSearchParams(query)) };
}

export function link(
  path: string[],
  options: Record<string, string | null | undefined> = {},
): string {
  const given = Object.entries(options).filter(([, value]) => value != null && value !== "");
  const query = new URLSearchParams(given as [string, string][]).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

class Route {
  place = $state<Place>(parse(globalThis.location?.hash ?? ""));

  constructor() {
    globalThis.addEventListener?.("hashchange", () => (this.place = parse(location.hash)));
  }

  get view(): string {
    return this.place.path[0] ?? "overview";
  }

  get options(): Record<string, string> {
    return this.place.options;
  }

  /** Go to another place, as a step that back undoes. */
  go(path: string[], options: Record<string, string | null | undefined> = {}): void {
    location.hash = link(path, options);
  }

  /** Change options of this place. A step of its own, or in the place of the last (sliding). */
  set(options: Record<string, string | null | undefined>, how: "step" | "replace" = "step"): void {
    const next = link(this.place.path, { ...this.place.options, ...options });
    if (next === location.hash) return;
    if (how === "step") location.hash = next;
    else {
      history.replaceState(null, "", next);
      this.place = parse(next);
    }
  }
}

export const route = new Route();
export const featureLink = (address: string, options = {}) =>
  link(["feature", ...address.split("/")], options);
export const setLink = (name: string, options = {}) => link(["sets", name], options);
export const tokenLink = (id: number) => link(["token", String(id)]);
