import type { RouteConfig } from "./context.ts";
import { METHODS } from "./handlers.ts";

/** What a file in `routes/` is for. */
export type FileRole =
  | "app"
  | "layout"
  | "middleware"
  | "error"
  | "notFound"
  | "route";

/** A file in `routes/`. */
export interface FileRoute {
  /** Its path below `routes/`, without extension: `(shop)/plans/[id]`. */
  id: string;
  /** What it exports. */
  module: Record<string, unknown>;
}

/** Where a file in `routes/` applies. */
export interface FilePlace {
  role: FileRole;
  /** The URL pattern of a route. */
  pattern: string;
  /** Its place in the tree of layouts and middlewares, groups included. */
  segments: string[];
  /** How many of them are folders. */
  folder: number;
}

const ROLES: Record<string, FileRole> = {
  _app: "app",
  _layout: "layout",
  _middleware: "middleware",
  _error: "error",
  _500: "error",
  _404: "notFound",
};

/** Finds out what a file in `routes/` is for, from its path. */
export function placeOf(id: string): FilePlace {
  const names = id.split("/");
  const role = ROLES[names[names.length - 1]] ?? "route";
  const folder = names.length - 1;
  if (role !== "route" || names[names.length - 1] === "index") names.pop();
  if ((role === "app" || role === "notFound") && names.length > 0) {
    throw new Error(`routes/${id}: there is one of these, at the root of routes/.`);
  }
  const segments = names.map((name) => segmentOf(name, id));
  const pattern = segments.filter((segment) => !isGroup(segment))
    .map((segment) => segment.startsWith("{") ? segment : `/${segment}`).join("");
  return { role, pattern: pattern || "/", segments, folder };
}

/** Whether a folder's name is in parentheses: it shows in no URL. */
export function isGroup(segment: string): boolean {
  return segment.startsWith("(") && segment.endsWith(")");
}

function segmentOf(name: string, id: string): string {
  if (isGroup(name)) return name;
  const optional = /^\[\[(\w+)\]\]$/.exec(name);
  if (optional) return `{/:${optional[1]}}?`;
  const rest = /^\[\.\.\.(\w+)\]$/.exec(name);
  if (rest) return `:${rest[1]}*`;
  if (/\]\[/.test(name)) {
    throw new Error(`routes/${id}: two placeholders need something between them.`);
  }
  const pattern = name.replace(/\[(\w+)\]/g, ":$1");
  if (/[[\]]/.test(pattern)) {
    throw new Error(`routes/${id}: "${name}" is not a name that a route can have.`);
  }
  return pattern;
}

/** Orders routes so that the more specific one is tried first. */
export function bySpecificity(a: string, b: string): number {
  const left = a.replaceAll("{/", "/{").split("/");
  const right = b.replaceAll("{/", "/{").split("/");
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    if (left[at] === undefined) return -1;
    if (right[at] === undefined) return 1;
    const difference = rank(left[at]) - rank(right[at]);
    if (difference !== 0) return difference;
    if (left[at] !== right[at]) return left[at] < right[at] ? -1 : 1;
  }
  return 0;
}

function rank(segment: string): number {
  if (!segment.includes(":")) return 0;
  if (segment.startsWith(":")) return segment.endsWith("*") ? 4 : 2;
  return segment.startsWith("{") ? 3 : 1;
}

/** What a route module says, whichever of the allowed names it says it under. */
export interface RouteModule {
  handler: unknown;
  component: unknown;
  config: RouteConfig | undefined;
}

/** Reads a route module, and names the file when there is nothing usable in it. */
export function readModule(file: FileRoute): RouteModule {
  const { module } = file;
  const handler = module.handler ?? module.handlers;
  const component = module.default;
  const config = module.config as RouteConfig | undefined;
  if (handler === undefined && component === undefined && config === undefined) {
    throw new Error(
      `routes/${file.id} has no relevant exports: neither a component (default) nor a handler (handler, handlers).`,
    );
  }
  return { handler, component, config };
}

/** Whether a handler is an object of methods. */
export function isMethodObject(handler: unknown): handler is Record<string, unknown> {
  return typeof handler === "object" && handler !== null &&
    !Array.isArray(handler) &&
    Object.keys(handler).some((key) => (METHODS as readonly string[]).includes(key));
}
