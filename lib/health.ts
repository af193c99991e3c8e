// Whether the process can do its work: a line to the database for each of its logins, and bells that are heard.

import { backstage, knock, relaying } from "@/lib/db/door.ts";
import { relay } from "@/lib/live/relay.ts";

/** Each part by name, and whether it works. */
export type Health = Record<string, "ok" | "failing">;

/** A part that says nothing for so long is failing: whoever asks has a limit of their own. */
const PATIENCE_MS = 2_000;

/** Asks every part at once. Never throws. */
export async function health(): Promise<Health> {
  const parts = {
    web: knock,
    relay: () => relaying((tx) => tx`select 1`),
    backstage: () => backstage((tx) => tx`select 1`),
    listening: () => relay().listening(),
  };
  const answers = Object.entries(parts).map(async ([name, ask]) => [name, await answer(ask)]);
  return Object.fromEntries(await Promise.all(answers));
}

async function answer(ask: () => Promise<unknown>): Promise<Health[string]> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(reject, PATIENCE_MS);
  try {
    await Promise.race([ask(), tooLate]);
    return "ok";
  } catch {
    return "failing";
  } finally {
    clearTimeout(timer);
  }
}
