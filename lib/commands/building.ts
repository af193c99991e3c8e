import { createHash } from "node:crypto";
import { join } from "node:path";
import { ROOT, runDeno } from "./project.ts";

const STAMP = join(ROOT, "_fresh", "sources.sha256");
const SOURCES = [
  "deno.json",
  "deno.lock",
  "fresh.config.ts",
  "main.ts",
  "routes",
  "islands",
  "lib",
];
/** Never part of the app that is built. */
const ASIDE = /^lib\/(commands|payments\/sandbox)\//;

/** Builds the app unless the last build was made from the very same sources. */
export async function buildIfStale(): Promise<void> {
  const sources = await hashOfSources();
  const built = await Deno.readTextFile(STAMP).catch(() => "");
  if (built === sources) return;
  const code = await runDeno(["run", "-A", "fresh.config.ts", "build"]);
  if (code !== 0) throw new BuildFailed("The app could not be built; the lines above say why.");
  await Deno.writeTextFile(STAMP, sources);
}

/** The Builder said no, and why. */
export class BuildFailed extends Error {
  override name = "BuildFailed";
}

async function hashOfSources(): Promise<string> {
  const hash = createHash("sha256");
  const paths = (await Promise.all(SOURCES.map((path) => filesBelow(path)))).flat().sort();
  for (const path of paths) {
    hash.update(`${path}\0`).update(await Deno.readFile(join(ROOT, path))).update("\0");
  }
  return hash.digest("hex");
}

async function filesBelow(path: string): Promise<string[]> {
  if (ASIDE.test(`${path}/`)) return [];
  if (!(await Deno.stat(join(ROOT, path))).isDirectory) return [path];
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT, path)));
  return (await Promise.all(entries.map(({ name }) => filesBelow(`${path}/${name}`)))).flat();
}
