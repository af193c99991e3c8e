import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkBoundary } from "./boundary.ts";
import { findConfig } from "./config_file.ts";

/** A script for the browser. */
export interface Script {
  /** File name; chunks lie in the same folder. */
  name: string;
  content: Uint8Array;
  /** The names of all scripts it imports, theirs included. */
  imports: string[];
}

/** The script that wakes islands. A dash keeps it apart from islands' names. */
export const RUNTIME_NAME = "fresh-runtime.js";

/** Bundles the islands and the runtime, each its own script with what they share in chunks. */
export async function bundleIslands(
  root: string,
  islands: { name: string; specifier: string }[],
  mode: "development" | "production",
): Promise<Script[]> {
  if (islands.length === 0) return [];
  const dir = await Deno.makeTempDir({ prefix: "fresh_bundle_" });
  try {
    const runtime = import.meta.resolve("../client/boot.ts");
    const entries = [join(dir, RUNTIME_NAME.replace(/js$/, "ts"))];
    await Deno.writeTextFile(
      entries[0],
      `export { boot } from ${JSON.stringify(runtime)};\n`,
    );
    for (const { name, specifier } of islands) {
      const entry = join(dir, `${name}.ts`);
      await Deno.writeTextFile(
        entry,
        `export * as island from ${JSON.stringify(specifier)};\n`,
      );
      entries.push(entry);
    }
    const out = join(dir, "out");
    await runBundler(root, entries, out, mode);
    const scripts = await readScripts(out, mode);
    await checkBoundary(root, islands, scripts);
    return scripts;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** `deno bundle` as a process: it resolves what the app's own import map says. */
async function runBundler(
  root: string,
  entries: string[],
  out: string,
  mode: "development" | "production",
): Promise<void> {
  const args = [
    "bundle",
    "--quiet",
    "--platform",
    "browser",
    "--code-splitting",
    "--outdir",
    out,
  ];
  if (mode === "production") args.push("--minify");
  const config = await findConfig(root);
  if (config !== null) args.push("--config", config);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, ...entries],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`The islands could not be bundled.\n${new TextDecoder().decode(stderr)}`);
  }
}

async function readScripts(dir: string, mode: string): Promise<Script[]> {
  const contents = new Map<string, Uint8Array>();
  for await (const entry of Deno.readDir(dir)) {
    if (!entry.isFile) continue;
    const code = await Deno.readTextFile(join(dir, entry.name));
    contents.set(entry.name, new TextEncoder().encode(inlineEnvironment(code, mode)));
  }
  const direct = new Map(
    [...contents].map(([name, content]) => [name, importsOf(content, contents)]),
  );
  return [...contents].sort().map(([name, content]) => ({
    name,
    content,
    imports: reachable(name, direct),
  }));
}

/** Puts the public environment variables, and no others, where the code asks for them. */
function inlineEnvironment(code: string, mode: string): string {
  return code
    .replace(/\bprocess\.env\.NODE_ENV\b/g, JSON.stringify(mode))
    .replace(
      /\bDeno\.env\.get\(\s*(["'`])(FRESH_PUBLIC_\w+)\1\s*\)|\bprocess\.env\.(FRESH_PUBLIC_\w+)/g,
      (_, _quote, deno, node) => JSON.stringify(Deno.env.get(deno ?? node)) ?? "undefined",
    );
}

function importsOf(content: Uint8Array, all: Map<string, unknown>): string[] {
  const code = new TextDecoder().decode(content);
  return [...code.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, name]) => name)
    .filter((name) => all.has(name));
}

function reachable(from: string, direct: Map<string, string[]>): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    for (const next of direct.get(name) ?? []) {
      if (next === from || found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(from);
  return [...found].sort();
}

/** A file's URL, for paths; anything else is a specifier already. */
export function toSpecifier(pathOrSpecifier: string, root: string): string {
  if (/^(file|https?|jsr|npm):/.test(pathOrSpecifier)) return pathOrSpecifier;
  if (/^\.{0,2}\//.test(pathOrSpecifier)) {
    return new URL(pathOrSpecifier, `${pathToFileURL(root).href}/`).href;
  }
  return pathOrSpecifier;
}
