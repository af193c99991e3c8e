/** How long a person waits for `deno task start`, the first time in a fresh clone and the second. */
import { fileURLToPath } from "node:url";
import type { Row } from "./row.ts";

/** Measures a start with nothing built and no database yet, and one after it. Packages are downloaded before. */
export async function measure(): Promise<Row[]> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const clone = await Deno.makeTempDir({ prefix: "wrenchline-start-" });
  try {
    await run("git", ["clone", "--quiet", root, clone], root);
    await run("deno", ["install", "--quiet"], clone);
    const cold = await startOnce(clone);
    const warm = await startOnce(clone);
    return [
      {
        what: "Cold start: database made, app built, first page served",
        ours: `${(cold / 1000).toFixed(1)} s`,
      },
      {
        what: "Warm start: the same, the second time",
        ours: `${(warm / 1000).toFixed(1)} s`,
        target: "below 3 s",
      },
    ];
  } finally {
    await Deno.remove(clone, { recursive: true });
  }
}

async function run(command: string, args: string[], cwd: string): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd, stdout: "null" }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
}

async function startOnce(cwd: string): Promise<number> {
  const began = performance.now();
  const child = new Deno.Command("deno", {
    args: ["task", "start"],
    cwd,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  for await (
    const text of child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })
  ) {
    said += text;
    const at = said.match(/http:\/\/localhost:\d+/);
    if (at) {
      await (await fetch(at[0])).text();
      break;
    }
  }
  const took = performance.now() - began;
  child.stdout.pipeTo(new WritableStream()).catch(() => {});
  child.kill("SIGINT");
  await child.status;
  return took;
}
