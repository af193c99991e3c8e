/**
 * `deno task test`: gets a browser and a Postgres and runs every test. Arguments are files,
 * folders, Deno's own options, or words to be found in titles. Those of tests/sql run a second time
 * where a Postgres 15 is installed. The last line counts.
 */
import { startPostgres15 } from "../../tests/support/postgres15.ts";
import { startEmbedded } from "../db/embedded.ts";
import { ensureChromium } from "./chromium.ts";
import { ROOT } from "./project.ts";

const chromiumPath = await ensureChromium();
const dir = await Deno.makeTempDir({ prefix: "wrenchline-test-" });
const postgres = await startEmbedded({ dir, fleeting: true });
const { files, options } = chosenBy(Deno.args);
let running: Deno.ChildProcess | undefined;
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    stopped = true;
    running?.kill(signal); // its end is then ours
  });
}

const counts = await runTests(postgres.adminUrl, files);
await postgres.stop();
await Deno.remove(dir, { recursive: true });

const sqlFiles = files.filter((file) => /(^|\/)tests\/?$|(^|\/)tests\/sql(\/|$)/.test(file))
  .map((file) => /tests\/?$/.test(file) ? "tests/sql" : file);
const older = sqlFiles.length > 0 && !stopped ? await startPostgres15() : null;
if (older) {
  console.log("The SQL tests again, on the Postgres 15 installed here:");
  const again = await runTests(older.adminUrl, sqlFiles);
  counts.passed += again.passed;
  counts.failed += again.failed;
  await older.stop();
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
Deno.exit(counts.failed === 0 && !stopped ? 0 : 1);

async function runTests(adminUrl: string, files: string[]) {
  running = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--parallel", ...options, ...files],
    cwd: ROOT,
    env: {
      TEST_CLUSTER_URL: adminUrl,
      CHROMIUM_PATH: chromiumPath,
      ...(Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {}),
    },
    stdout: "piped",
  }).spawn();
  let report = "";
  const decoder = new TextDecoder();
  for await (const chunk of running.stdout) {
    await writeAll(chunk);
    report = (report + decoder.decode(chunk, { stream: true })).slice(-4_000);
  }
  const { success } = await running.status;
  const { passed, failed } = countsIn(report);
  return { passed, failed: success ? failed : Math.max(failed, 1) };
}

function chosenBy(args: string[]): { files: string[]; options: string[] } {
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
  return { files: files.length > 0 ? files : ["tests"], options: [...options, ...filter] };
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
