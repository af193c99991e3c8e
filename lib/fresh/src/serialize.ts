/**
 * Props on their way to the browser: a flat list of values that refer to each
 * other by index, so that what is shared (or circular) stays so.
 *
 * A value in the list is a string, a finite number, a boolean or null as JSON
 * has it; `[1, 2]`, an array of indices; `{"name": 1}`, an object of indices;
 * or `["D", ...]`, whose leading string says what it is. Small negative
 * indices are the values that JSON does not have.
 *
 * @module
 */

/** Indices that stand for values themselves. */
export const UNDEFINED = -1;
export const NOT_A_NUMBER = -2;
export const INFINITE = -3;
export const MINUS_INFINITE = -4;
export const MINUS_ZERO = -5;
export const HOLE = -6;

/** Stands for server-rendered JSX that was given to an island. */
export class SlotRef {
  /** Which island, and which of its props. */
  constructor(readonly island: number, readonly prop: string) {}
}

/** Writes values so that `deserialize` makes the same of them. */
export function serialize(root: unknown, nameOf: (path: string[]) => string): string {
  const entries: string[] = [];
  const indices = new Map<unknown, number>();
  const path: string[] = [];

  function fail(what: string): never {
    throw new Error(`${nameOf(path)} cannot be sent to the browser: it is ${what}.`);
  }

  function at(step: string, value: unknown): number {
    path.push(step);
    const index = place(value);
    path.pop();
    return index;
  }

  function place(value: unknown): number {
    if (value === undefined) return UNDEFINED;
    if (typeof value === "number") {
      if (Number.isNaN(value)) return NOT_A_NUMBER;
      if (value === Infinity) return INFINITE;
      if (value === -Infinity) return MINUS_INFINITE;
      if (Object.is(value, -0)) return MINUS_ZERO;
    }
    const known = indices.get(value);
    if (known !== undefined) return known;
    const index = entries.length;
    indices.set(value, index);
    entries.push(""); // taken, for what refers back to it
    entries[index] = write(value);
    return index;
  }

  function write(value: unknown): string {
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
        return JSON.stringify(value);
      case "bigint":
        return tagged("B", String(value));
      case "function":
        return fail("a function");
      case "symbol":
        return fail("a symbol");
    }
    if (value === null) return "null";
    if (Array.isArray(value)) return list(value);
    if (value instanceof SlotRef) {
      return tagged("slot", value.island, value.prop);
    }
    if (isSignal(value)) {
      return tagged(isComputed(value) ? "C" : "S", at("value", value.peek()));
    }
    if (value instanceof Date) return tagged("D", value.getTime()); // NaN becomes null
    if (value instanceof URL) return tagged("U", value.href);
    if (value instanceof RegExp) return tagged("R", value.source, value.flags);
    if (value instanceof Map) {
      const pairs = [...value].flatMap(([key, item], number) => [
        at(`<key ${number}>`, key),
        at(typeof key === "string" ? key : `<value ${number}>`, item),
      ]);
      return tagged("M", ...pairs);
    }
    if (value instanceof Set) {
      return tagged("T", ...[...value].map((item, number) => at(`<item ${number}>`, item)));
    }
    if (value instanceof Uint8Array) return tagged("A", base64(value));
    if (value instanceof Promise) return fail("a promise");
    if (isElement(value)) return fail("JSX, which only a prop itself may be");

    const fields = Object.entries(value as Record<string, unknown>)
      .filter(([name]) => name !== "__proto__") // in a script it would set the prototype
      .map(([name, item]) => `${JSON.stringify(name)}:${at(name, item)}`);
    return `{${fields.join(",")}}`;
  }

  function list(values: unknown[]): string {
    const items: number[] = [];
    for (let number = 0; number < values.length; number++) {
      items.push(number in values ? at(String(number), values[number]) : HOLE);
    }
    return `[${items.join(",")}]`;
  }

  const index = place(root);
  const json = index < 0 ? `[${index}]` : `[${entries.join(",")}]`;
  // It stands in a script element: nothing in it may look like markup.
  return json.replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

function tagged(tag: string, ...rest: unknown[]): string {
  return JSON.stringify([tag, ...rest]);
}

/** A Preact signal, of whichever copy of the library. */
export function isSignal(value: unknown): value is { peek(): unknown } {
  if (typeof value !== "object" || value === null) return false;
  const { brand, peek } = value as { brand?: unknown; peek?: unknown };
  return typeof peek === "function" && brand === Symbol.for("preact-signals");
}

/** A computed signal's value cannot be set. */
function isComputed(value: object): boolean {
  for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, "value");
    if (descriptor !== undefined) return descriptor.set === undefined;
  }
  return false;
}

function isElement(value: unknown): boolean {
  const { constructor, type, props } = value as Record<string, unknown>;
  return constructor === undefined && type !== undefined && props !== undefined;
}

/** Of the bytes themselves, not of the buffer that they may be a window on. */
function base64(bytes: Uint8Array): string {
  return (bytes as Uint8Array & { toBase64(): string }).toBase64();
}
