import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with deno.json. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the embedded services keep what must survive. */
export const DATA = join(ROOT, ".data");

/** Runs Deno in the project's folder, attached to this terminal, and answers with its exit code. */
export async function runDeno(args: string[], env: Record<string, string> = {}): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env });
  return (await command.spawn().status).code;
}
