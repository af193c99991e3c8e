import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { runDeno } from "./project.ts";

/** The Chromium of this machine. Throws when there is none. */
export async function findChromium(): Promise<string> {
  const found = await installed();
  if (found) return found;
  throw new Error("There is no Chromium: `deno task test` installs one, or set CHROMIUM_PATH.");
}

/** The Chromium of this machine, installed if need be. Throws when none is to be had. */
export async function ensureChromium(): Promise<string> {
  const found = await installed();
  if (found) return found;

  console.log("There is no Chromium here; fetching Playwright's.");
  const playwright = dirname(fileURLToPath(import.meta.resolve("playwright")));
  await runDeno(["run", "-A", join(playwright, "cli.js"), "install", "chromium"]);
  const fetched = await installed();
  if (fetched) return fetched;

  console.log("It cannot be had or does not run here; trying Debian's.");
  for (
    const args of [["update", "-q"], ["install", "-qy", "--no-install-recommends", "chromium"]]
  ) {
    await run(
      Deno.uid() === 0 ? ["apt-get", ...args] : ["sudo", "-n", "apt-get", ...args],
      "inherit",
    );
  }
  const packaged = await installed();
  if (packaged) return packaged;
  throw new Error(
    "The browser tests need Chromium, and none could be installed. Install Chromium or Chrome, " +
      "or set CHROMIUM_PATH to one.",
  );
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const APPLICATIONS = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

async function installed(): Promise<string | null> {
  const chosen = Deno.env.get("CHROMIUM_PATH");
  if (chosen) {
    if (await runs(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH is ${chosen}, which does not run`);
  }
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of [...onPath, ...APPLICATIONS, chromium.executablePath()]) {
    if (await exists(path) && await runs(path)) return path;
  }
  return null;
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then((info) => info.isFile, () => false);
}

/** Being there is not enough: libraries may be missing, and Ubuntu's is a note to install another. */
function runs(path: string): Promise<boolean> {
  return run([path, "--version"], "null");
}

async function run([command, ...args]: string[], output: "inherit" | "null"): Promise<boolean> {
  try {
    const child = new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: output,
      stderr: output,
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    return (await child.output()).success;
  } catch {
    return false; // there is no such command
  }
}
