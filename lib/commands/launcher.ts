/**
 * Noticing that whoever launched us is gone. `npx` and `deno task` stand between the person and this
 * process; when they are killed outright nobody tells us, and we would hold the port for ever.
 */

const LOOKS_EVERY_MS = 1_000;

/** Resolves when one of the commands through which this process was launched has ended. */
export async function launcherEnded(): Promise<void> {
  const launchers = await findLaunchers();
  if (launchers.length === 0) return new Promise(() => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(async () => {
    for (const { pid, started } of launchers) {
      if ((await look(pid))?.started !== started) return clearInterval(timer), resolve();
    }
  }, LOOKS_EVERY_MS);
  Deno.unrefTimer(timer);
  return promise;
}

interface Process {
  pid: number;
  parent: number;
  /** With the number, names a process for good. */
  started: string;
  command: string;
}

/** From our parent upwards. A shell may end and leave what it launched running, which is its right. */
async function findLaunchers(): Promise<Process[]> {
  const found: Process[] = [];
  let process = await look(Deno.ppid);
  while (process && process.pid > 1) {
    const isShell = /^\S*\b(sh|bash|dash|zsh)\b/.test(process.command);
    const isLauncher = /\b(deno|npx|npm)\b.*\btask\b/.test(process.command);
    if (!isShell && !isLauncher) break;
    if (isLauncher && !isShell) found.push(process);
    process = await look(process.parent);
  }
  return found;
}

async function look(pid: number): Promise<Process | null> {
  if (Deno.build.os !== "linux") return null;
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const [state, parent, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return null;
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), started: fields[17], command };
  } catch {
    return null;
  }
}
