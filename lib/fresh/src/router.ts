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

  /** Looks a path up, as it stands in a URL. What matches first decides, whatever the method. */
  match(method: string, path: string): Match<Item> {
    const exact = this.#exact.get(path) ?? this.#exact.get(otherSlash(path));
    if (exact !== undefined) return matchIn(exact, method, NO_PARAMS);
    for (const entry of this.#patterns) {
      const params = entry.match!(path);
      if (params !== null) return matchIn(entry, method, params);
    }
    return { item: null, params: NO_PARAMS, pattern: null, allow: null };
  }
}

function matchIn<Item>(
  { byMethod, pattern }: Entry<Item>,
  method: string,
  params: Record<string, string>,
): Match<Item> {
  const item = byMethod.get(method) ?? (method === "HEAD" ? byMethod.get("GET") : undefined);
  return item === undefined
    ? { item: null, params: NO_PARAMS, pattern, allow: allowed([...byMethod.keys()]) }
    : { item, params, pattern, allow: null };
}

function allowed(methods: string[]): string {
  const all = new Set(methods);
  if (all.has("GET")) all.add("HEAD");
  all.add("OPTIONS");
  return [...all].join(", ");
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
