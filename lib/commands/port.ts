import { ROOT } from "./project.ts";

const USUAL_PORT = 8000;

/** The port nobody listens on that the app gets: the one asked for, or one near the usual. */
export async function choosePort(wanted?: string): Promise<number> {
  if (wanted) {
    const port = Number(wanted);
    if (isFree(port)) return port;
    throw new PortTaken(`Port ${port} is taken${await holderOf(port)}. Set PORT to another.`);
  }
  for (let port = USUAL_PORT; port < USUAL_PORT + 20; port++) {
    if (!isFree(port)) continue;
    if (port !== USUAL_PORT) {
      console.log(
        `Port ${USUAL_PORT} is taken${await holderOf(USUAL_PORT)}, so this is at ${port}.`,
      );
    }
    return port;
  }
  throw new PortTaken(`Ports ${USUAL_PORT} to ${USUAL_PORT + 19} are taken. Set PORT to another.`);
}

/** The port asked for is another's. */
export class PortTaken extends Error {
  override name = "PortTaken";
}

/** A browser may try IPv6 first, and must not find somebody else there. */
function isFree(port: number): boolean {
  for (const hostname of ["127.0.0.1", "0.0.0.0", "::1"]) {
    try {
      Deno.listen({ hostname, port }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) return false;
      if (hostname !== "::1") throw error; // a machine without IPv6 is fine
    }
  }
  return true;
}

/** " by process 123 (node)" where the system tells, else nothing. */
async function holderOf(port: number): Promise<string> {
  try {
    const listed = await new Deno.Command("lsof", {
      args: ["-nP", "-sTCP:LISTEN", `-iTCP:${port}`, "-Fpc"],
      stderr: "null",
    }).output();
    const [, pid, name] = /^p(\d+)\nc(.*)$/m.exec(new TextDecoder().decode(listed.stdout)) ?? [];
    if (pid) return ` by process ${pid} (${name})`;
  } catch {
    // not installed
  }
  return Deno.build.os === "linux" ? await holderInProc(port).catch(() => "") : "";
}

async function holderInProc(port: number): Promise<string> {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (await Deno.readTextFile(table).catch(() => "")).split("\n")) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      const isListening = state === "0A";
      if (isListening && parseInt(local.split(":")[1], 16) === port) {
        inodes.add(`socket:[${inode}]`);
      }
    }
  }
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      for await (const { name: fd } of Deno.readDir(`/proc/${pid}/fd`)) {
        const opened = await Deno.readLink(`/proc/${pid}/fd/${fd}`).catch(() => "");
        if (!inodes.has(opened)) continue;
        const command = (await Deno.readTextFile(`/proc/${pid}/comm`)).trim();
        const here = await Deno.readLink(`/proc/${pid}/cwd`) + "/" === ROOT;
        return ` by process ${pid} (${command}${here ? ", started from this folder" : ""})`;
      }
    } catch {
      // another user's, or gone meanwhile
    }
  }
  return "";
}
