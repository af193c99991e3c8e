import { dirname, join } from "node:path";

/** The deno.json that applies to a directory, or else to this process. */
export async function findConfig(dir: string): Promise<string | null> {
  for (const start of [dir, Deno.cwd()]) {
    for (let at = start;; at = dirname(at)) {
      for (const name of ["deno.json", "deno.jsonc"]) {
        const path = join(at, name);
        if ((await Deno.stat(path).catch(() => null))?.isFile) return path;
      }
      if (dirname(at) === at) break;
    }
  }
  return null;
}
