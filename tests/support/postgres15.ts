/** The other Postgres we support: where Debian's 15 is installed, the SQL tests run on it too. */
import { refuseOldMinors } from "@/lib/db/migrate.ts";

const BIN = "/usr/lib/postgresql/15/bin";

/** A throwaway cluster of Postgres 15, or null where there is none that is safe enough to be supported. */
export async function startPostgres15(): Promise<
  { adminUrl: string; stop(): Promise<void> } | null
> {
  if (!await isSupported()) return null;
  // Postgres refuses to run as root; the package comes with a user.
  const runner = Deno.uid() === 0 ? { uid: await idOf("-u"), gid: await idOf("-g") } : {};
  const dir = await Deno.makeTempDir({ dir: "/tmp", prefix: "wrenchline-postgres15-" });
  if (runner.uid) await Deno.chown(dir, runner.uid, runner.gid!);
  const password = crypto.randomUUID();
  const port = freePort();

  const guardian = new Deno.Command("/bin/sh", {
    args: ["-c", GUARDIAN, "sh", dir, settings(port)],
    cwd: "/",
    clearEnv: true,
    env: { PATH: `${BIN}:/usr/bin:/bin`, LC_ALL: "C", PASSWORD: password },
    stdin: "piped",
    stdout: "piped",
    detached: true, // Ctrl-C is for us, who still need it
    ...runner,
  }).spawn();
  const { value: ready } = await guardian.stdout.getReader().read();
  if (!ready) throw new Error("The installed Postgres 15 does not start; its words are above");
  return {
    adminUrl: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      await guardian.stdin.close();
      await guardian.status;
    },
  };
}

/** Makes and starts a cluster; stops and removes it when our end of its standard input closes, however that comes about. */
const GUARDIAN = `
umask 077
echo "$PASSWORD" | initdb -D "$1/data" -U postgres -A scram-sha-256 --pwfile=/dev/stdin \\
    -E UTF8 --locale=C --no-sync >"$1/log" 2>&1 &&
  pg_ctl -D "$1/data" -l "$1/log" -o "$2" -s -w start >&2 && echo ready || cat "$1/log" >&2
read -r _
pg_ctl -D "$1/data" -s -m immediate stop 2>/dev/null
rm -rf "$1"
`;

function settings(port: number): string {
  return Object.entries({
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    timezone: "UTC",
    jit: "off",
  }).map(([name, value]) => `-c ${name}=${value}`).join(" ");
}

async function isSupported(): Promise<boolean> {
  try {
    const [major, minor] = (await output(`${BIN}/postgres`, "--version"))
      .match(/(\d+)\.(\d+)/)!.slice(1).map(Number);
    refuseOldMinors(major * 10_000 + minor);
    return true;
  } catch {
    return false;
  }
}

async function idOf(which: "-u" | "-g"): Promise<number> {
  return Number(await output("id", which, "postgres"));
}

async function output(command: string, ...args: string[]): Promise<string> {
  return new TextDecoder().decode((await new Deno.Command(command, { args }).output()).stdout);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
