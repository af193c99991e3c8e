import type { Method } from "./handlers.ts";

/** What a path and method lead to. */
export interface Match<Item> {
  item: Item | null;
  params: Record<string, string>;
  /** The pattern that matched; null when none did. */
  pattern: string | null;
  /** When the path is known but not by this method: the methods it does answer. */
  allow: string | null;
}

interface Entry<Item> {
  pattern: string;
  match: ((path: string) => Record<string, string> | null) | null;
  byMethod: Map<string, Item>;
}

/** Finds what answers a path: exact ones first, then patterns in the order they were added. */
export class Router<Item> {
  #exact = new Map<string, Entry<Item>>();
  #patterns: Entry<Item>[] = [];
  #byPattern = new Map<string, Entry<Item>>();

  /** Adds an item. The first for a pattern and method stays. */
  add(method: Method, pattern: string, item: Item): void {
    let entry = this.#byPattern.get(pattern);
    if (entry === undefined) {
      const isExact = !/[:*{}()[\]?+\\]/.test(pattern);
      entry = {
        pattern,
        match: isExact ? null : matcher(pattern),
        byMethod: new Map(),
      };
      this.#byPattern.set(pattern, entry);
      if (isExact) this.#exact.set(encoded(pattern), entry);
      else this.#patterns.push(entry);
    }
    if (!entry.byMethod.has(method)) entry.byMethod.set(method, item);
  }

  /** Looks a path up, as it stands in a URL. */
  match(method: string, path: string): Match<Item> {
    const known: Entry<Item>[] = [];
    const exact = this.#exact.get(path) ?? this.#exact.get(otherSlash(path));
    if (exact !== undefined) {
      const item = itemFor(exact, method);
      if (item !== undefined) {
        return { item, params: NO_PARAMS, pattern: exact.pattern, allow: null };
      }
      known.push(exact);
    }
    for (const entry of this.#patterns) {
      const params = entry.match!(path);
      if (params === null) continue;
      const item = itemFor(entry, method);
      if (item !== undefined) {
        return { item, params, pattern: entry.pattern, allow: null };
      }
      known.push(entry);
    }
    if (known.length === 0) {
      return { item: null, params: NO_PARAMS, pattern: null, allow: null };
    }
    return {
      item: null,
      params: empty(),
      pattern: known[0].pattern,
      allow: allowed(known),
    };
  }
}

function itemFor<Item>(entry: Entry<Item>, method: string): Item | undefined {
  return entry.byMethod.get(method) ??
    (method === "HEAD" ? entry.byMethod.get("GET") : undefined);
}

function allowed(entries: Entry<unknown>[]): string {
  const methods = new Set(entries.flatMap((entry) => [...entry.byMethod.keys()]));
  if (methods.has("GET")) methods.add("HEAD");
  methods.add("OPTIONS");
  return [...methods].join(", ");
}

function otherSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
}

/** Shared, because objects without a prototype are slow to make. */
const NO_PARAMS: Record<string, string> = Object.freeze(empty());

function empty(): Record<string, string> {
  return Object.create(null);
}

/** A path as a URL spells it. */
function encoded(path: string): string {
  return new URL(path, "http://localhost").pathname;
}

/**
 * The patterns that file routes have become one regular expression, which is
 * many times faster than URLPattern; any other pattern is left to URLPattern.
 */
function matcher(pattern: string): (path: string) => Record<string, string> | null {
  const simple = simpleMatcher(pattern);
  if (simple !== null) return simple;
  const full = new URLPattern({ pathname: pattern });
  return (path) => {
    const groups = full.exec({ pathname: path })?.pathname.groups;
    if (groups === undefined) return null;
    const params = empty();
    for (const name in groups) params[name] = decoded(groups[name] ?? "");
    return params;
  };
}

const PIECE = /^(?:\{\/:(\w+)\}\?|\/:(\w+)\*|\/((?:[^/:*{}()[\]?+\\]|:\w+)+))/;

function simpleMatcher(pattern: string): ((path: string) => Record<string, string> | null) | null {
  const names: string[] = [];
  let source = "";
  let rest = pattern;
  while (rest !== "") {
    const piece = PIECE.exec(rest);
    if (piece === null || (piece[3] !== undefined && /:\w+:/.test(piece[3]))) {
      return null;
    }
    const [text, optional, many, one] = piece;
    rest = rest.slice(text.length);
    if (optional !== undefined) {
      names.push(optional);
      source += "(?:/([^/]+))?";
    } else if (many !== undefined) {
      if (rest !== "") return null;
      names.push(many);
      source += "(?:/(.*))?";
    } else {
      source += "/" + one.split(/(:\w+)/).map((part) => {
        if (!part.startsWith(":")) {
          return escapeRegExp(encoded(`/${part}`).slice(1));
        }
        names.push(part.slice(1));
        return "([^/]+?)";
      }).join("");
    }
  }
  const regexp = new RegExp(`^${source}${/^(\{|\/:\w+\*)/.test(pattern) ? "/?" : ""}$`);
  return (path) => {
    const found = regexp.exec(path);
    if (found === null) return null;
    const params = empty();
    for (let at = 0; at < names.length; at++) {
      params[names[at]] = decoded(found[at + 1] ?? "");
    }
    return params;
  };
}

function decoded(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURI(value);
  } catch {
    return value;
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
