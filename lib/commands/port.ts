import { ROOT } from "./project.ts";

const USUAL_PORT = 8000;

/** A port nobody listens on, and what to say about it if it is not the one people expect. */
export interface Port {
  port: number;
  note?: string;
}

/** Chooses the port that was asked for or, with none asked for, one near the usual. */
export async function choosePort(wanted?: string): Promise<Port> {
  if (wanted) {
    const port = Number(wanted);
    const isOne = Number.isInteger(port) && port >= 1 && port <= 65535;
    if (!isOne) throw new NoPort("PORT must be a port number.");
    if (isFree(port)) return { port };
    throw new NoPort(`Port ${port} is taken${await holderOf(port)}. Set PORT to another.`);
  }
  if (isFree(USUAL_PORT)) return { port: USUAL_PORT };
  const note = `port ${USUAL_PORT} is taken${await holderOf(USUAL_PORT)}`;
  for (let port = USUAL_PORT + 1; port < USUAL_PORT + 20; port++) {
    if (isFree(port)) return { port, note };
  }
  throw new NoPort(`No port is free: ${note}, and so are the next ones. Set PORT to another.`);
}

/** The port asked for cannot be had. */
export class NoPort extends Error {
  override name = "NoPort";
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
