/** A released migration has run somewhere and never changes: its hash is kept, and a test compares. */
import { createHash } from "node:crypto";
import { sqlFiles } from "./migrate.ts";

const SEALS = new URL("../../sql/migrations.sha256", import.meta.url);

/** Seals the migrations there are, and answers how many. Throws when a sealed one was changed. */
export async function seal(): Promise<number> {
  const broken = await brokenSeals();
  if (broken.length > 0) throw new Error(`Changed after release: ${broken.join(", ")}`);
  const files = await sqlFiles("migrations");
  const lines = files.map(({ name, text }) => `${hashOf(text)}  ${name}\n`);
  await Deno.writeTextFile(SEALS, lines.join(""));
  return files.length;
}

/** The sealed migrations that were changed, renamed or removed since. */
export async function brokenSeals(): Promise<string[]> {
  const sealed = await Deno.readTextFile(SEALS).catch(() => ""); // none before the first release
  const files = new Map((await sqlFiles("migrations")).map(({ name, text }) => [name, text]));
  return sealed.split("\n").filter(Boolean).map((line) => line.split("  ")).filter(
    ([hash, name]) => hashOf(files.get(name) ?? "") !== hash,
  ).map(([, name]) => name);
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
