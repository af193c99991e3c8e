import { createHash } from "node:crypto";
import { join } from "node:path";
import { ROOT, runDeno } from "./project.ts";

const BUILT = join(ROOT, "_fresh");
const STAMP = join(BUILT, "sources.sha256");
const SOURCES = [
  "deno.json",
  "deno.lock",
  "fresh.config.ts",
  "main.ts",
  "routes",
  "islands",
  "lib",
];
const OUTPUT = ["server.js", "snapshot.js", "static"];
/** Never part of the app that is built. */
const ASIDE = /^lib\/(commands|payments\/sandbox)\//;

/** Builds the app unless what is there was made from the very same sources. */
export async function buildIfStale(): Promise<void> {
  const sources = await hashOf(ROOT, SOURCES);
  const stamp = await Deno.readTextFile(STAMP).catch(() => "");
  // Both halves count: somebody may have built other sources in between.
  if (stamp && stamp === `${sources} ${await hashOf(BUILT, OUTPUT).catch(() => "gone")}`) return;
  const code = await runDeno(["run", "-A", "fresh.config.ts", "build"]);
  if (code !== 0) throw new BuildFailed("The app could not be built; the lines above say why.");
  await Deno.writeTextFile(STAMP, `${sources} ${await hashOf(BUILT, OUTPUT)}`);
}

/** The Builder said no, and why. */
export class BuildFailed extends Error {
  override name = "BuildFailed";
}

async function hashOf(folder: string, names: string[]): Promise<string> {
  const hash = createHash("sha256");
  const paths = (await Promise.all(names.map((name) => filesBelow(folder, name)))).flat().sort();
  for (const path of paths) {
    hash.update(`${path}\0`).update(await Deno.readFile(join(folder, path))).update("\0");
  }
  return hash.digest("hex");
}

async function filesBelow(folder: string, path: string): Promise<string[]> {
  if (ASIDE.test(`${path}/`)) return [];
  if (!(await Deno.stat(join(folder, path))).isDirectory) return [path];
  const entries = await Array.fromAsync(Deno.readDir(join(folder, path)));
  return (await Promise.all(entries.map(({ name }) => filesBelow(folder, `${path}/${name}`))))
    .flat();
}
