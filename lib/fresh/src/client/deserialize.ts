import { computed, signal } from "@preact/signals";
import {
  HOLE,
  INFINITE,
  MINUS_INFINITE,
  MINUS_ZERO,
  NOT_A_NUMBER,
  SlotRef,
  UNDEFINED,
} from "../serialize.ts";

type Entry =
  | string
  | number
  | boolean
  | null
  | unknown[]
  | Record<string, number>;

/** Makes values of what `serialize` wrote. What was shared is shared again. */
export function deserialize(entries: Entry[]): unknown {
  const made: unknown[] = [];

  function at(index: number): unknown {
    switch (index) {
      case UNDEFINED:
        return undefined;
      case NOT_A_NUMBER:
        return NaN;
      case INFINITE:
        return Infinity;
      case MINUS_INFINITE:
        return -Infinity;
      case MINUS_ZERO:
        return -0;
    }
    if (index in made) return made[index];
    const entry = entries[index];
    if (typeof entry !== "object" || entry === null) return made[index] = entry;
    if (!Array.isArray(entry)) {
      const object: Record<string, unknown> = made[index] = {};
      for (const name in entry) object[name] = at(entry[name]);
      return object;
    }
    if (typeof entry[0] === "string") {
      return special(index, entry as [string, ...never[]]);
    }
    const list: unknown[] = made[index] = new Array(entry.length);
    entry.forEach((item, number) => {
      if (item !== HOLE) list[number] = at(item as number);
    });
    return list;
  }

  function special(index: number, [kind, first, second]: [string, ...never[]]): unknown {
    switch (kind) {
      case "B":
        return made[index] = BigInt(first);
      case "D":
        return made[index] = new Date(first ?? NaN);
      case "U":
        return made[index] = new URL(first);
      case "R":
        return made[index] = new RegExp(first, second);
      case "A":
        return made[index] = Uint8Array.from(atob(first), (char) => char.charCodeAt(0));
      case "slot":
        return made[index] = new SlotRef(first, second);
      case "S": {
        const live = made[index] = signal<unknown>(undefined);
        live.value = at(first);
        return live;
      }
      case "C":
        return made[index] = computed(() => at(first));
      case "M": {
        const map = made[index] = new Map();
        const pairs = (entries[index] as number[]).slice(1);
        for (let n = 0; n < pairs.length; n += 2) {
          map.set(at(pairs[n]), at(pairs[n + 1]));
        }
        return map;
      }
      default: {
        const set = made[index] = new Set();
        (entries[index] as number[]).slice(1).forEach((item) => set.add(at(item)));
        return set;
      }
    }
  }

  return at(0);
}
