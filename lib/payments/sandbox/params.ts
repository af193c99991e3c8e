import { invalid } from "./failures.ts";

/** What a form-encoded request says, nested as its brackets say. */
export type Param = string | Param[] | { [name: string]: Param };
export type Params = { [name: string]: Param };

/** Reads `a[b][0]=c` into `{ a: { b: ["c"] } }`. */
export function nested(form: URLSearchParams): Params {
  const tree: Params = Object.create(null);
  for (const [name, value] of form) {
    const path = name.replaceAll("]", "").split("[");
    let at: Params = tree;
    for (const step of path.slice(0, -1)) {
      const next = at[step];
      at = at[step] = typeof next === "object" ? next as Params : Object.create(null);
    }
    const last = path[path.length - 1];
    // `expand[]=x` appends.
    at[last === "" ? String(Object.keys(at).length) : last] = value;
  }
  return listed(tree) as Params;
}

/** Objects whose keys are 0, 1, 2… were lists. */
function listed(param: Param): Param {
  if (typeof param === "string") return param;
  const entries = Object.entries(param).map(([name, value]) => [name, listed(value)] as const);
  return entries.length > 0 && entries.every(([name], at) => name === String(at))
    ? entries.map(([, value]) => value)
    : Object.fromEntries(entries);
}

/** Refuses a parameter that the endpoint does not have, as Stripe does: a typo should not pass in silence. */
export function onlyKnown(params: Params, known: string[]): void {
  for (const name of Object.keys(params)) {
    if (!known.includes(name)) {
      throw invalid(`Received unknown parameter: ${name}`, name, "parameter_unknown");
    }
  }
}

/** A text parameter; undefined when absent or empty. */
export function text(params: Params, name: string, longest = 5000): string | undefined {
  const value = params[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw invalid(`Invalid string: ${JSON.stringify(value)}`, name);
  if (value.length > longest) {
    throw invalid(
      `Invalid string: ${value.slice(0, 20)}…; must be at most ${longest} characters`,
      name,
    );
  }
  return value;
}

/** A text parameter that must be there. */
export function required(params: Params, name: string): string {
  const value = text(params, name);
  if (value === undefined) {
    throw invalid(`Missing required param: ${name}.`, name, "parameter_missing");
  }
  return value;
}

/** A whole number; undefined when absent. */
export function integer(params: Params, name: string): number | undefined {
  const value = text(params, name);
  if (value === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(value)) {
    throw invalid(`Invalid integer: ${value}`, name, "parameter_invalid_integer");
  }
  return Number(value);
}

/** True, false, or undefined when absent. */
export function flag(params: Params, name: string): boolean | undefined {
  const value = text(params, name);
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") throw invalid(`Invalid boolean: ${value}`, name);
  return value === "true";
}

/** Stripe's `metadata`: up to 50 short texts. */
export function metadata(params: Params, name = "metadata"): Record<string, string> {
  const given = params[name] ?? {};
  if (typeof given !== "object" || Array.isArray(given)) throw invalid("Invalid object", name);
  const entries = Object.entries(given);
  if (entries.length > 50) throw invalid("Metadata can have at most 50 keys", name);
  for (const [key, value] of entries) {
    if (typeof value !== "string" || value.length > 500 || key.length > 40) {
      throw invalid(
        "Metadata keys are at most 40 characters and values at most 500",
        `${name}[${key}]`,
      );
    }
  }
  return Object.fromEntries(entries.filter(([, value]) => value !== "")) as Record<string, string>;
}

/** A list of texts, as in `expand[0]=line_items`. */
export function texts(params: Params, name: string): string[] {
  const value = params[name];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid("Invalid array", name);
  return value.filter((item): item is string => typeof item === "string");
}
