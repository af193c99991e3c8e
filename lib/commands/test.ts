/**
 * `deno task test`: gets a browser and a Postgres and runs every test. Arguments are files,
 * folders, Deno's own options, or words to be found in titles. The last line counts.
 */
import { startEmbedded } from "../db/embedded.ts";
import { ensureChromium } from "./chromium.ts";
import { ROOT } from "./project.ts";

const chromiumPath = await ensureChromium();
const dir = await Deno.makeTempDir({ prefix: "wrenchline-test-" });
const postgres = await startEmbedded({ dir, fleeting: true });
const tests = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-check", "--parallel", ...chosenBy(Deno.args)],
  cwd: ROOT,
  env: {
    TEST_CLUSTER_URL: postgres.adminUrl,
    CHROMIUM_PATH: chromiumPath,
    ...(Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {}),
  },
  stdout: "piped",
}).spawn();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => tests.kill(signal)); // its end is then ours
}

let report = "";
const decoder = new TextDecoder();
for await (const chunk of tests.stdout) {
  await writeAll(chunk);
  report = (report + decoder.decode(chunk, { stream: true })).slice(-4_000);
}
const { success } = await tests.status;
await postgres.stop();
await Deno.remove(dir, { recursive: true });

const counted = countsIn(report);
const failed = success ? counted.failed : Math.max(counted.failed, 1);
console.log(`${counted.passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

function chosenBy(args: string[]): string[] {
  const isFile = (arg: string) => {
    try {
      return Boolean(Deno.statSync(arg));
    } catch {
      return false;
    }
  };
  const options = args.filter((arg) => arg.startsWith("-"));
  const files = args.filter((arg) => !arg.startsWith("-") && isFile(arg));
  const words = args.filter((arg) => !arg.startsWith("-") && !isFile(arg));
  const filter = words.length > 0 ? [`--filter=${words.join(" ")}`] : [];
  return [...options, ...filter, ...(files.length > 0 ? files : ["tests"])];
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

/** From the line with which Deno ends: "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)". */
function countsIn(report: string): { passed: number; failed: number } {
  // deno-lint-ignore no-control-regex
  const plain = report.replace(/\x1b\[[\d;]*m/g, "");
  const [, passed, failed] = [...plain.matchAll(/\| (\d+) passed.*? \| (\d+) failed/g)].at(-1) ??
    [];
  return { passed: Number(passed ?? 0), failed: Number(failed ?? 0) };
}
