/**
 * The Postgres that comes along: started by `start`, `dev` and `test` where no other is configured.
 * It has a shell for a guardian, which shuts it down when we are gone, also when we were killed.
 */
import { join } from "node:path";
import { asAdministrator } from "./admin.ts";
import { findHome, type Home, ignoring } from "./embedded_home.ts";

/** The logins whose passwords are made here, and what each is called in Postgres. */
export const LOGINS = {
  web: "wrenchline_web",
  relay: "wrenchline_relay",
  backstage: "wrenchline_backstage",
  dba: "wrenchline_dba",
} as const;

/** A value per login. */
export type PerLogin = Record<keyof typeof LOGINS, string>;

/** An embedded Postgres that runs. */
export interface Embedded {
  adminUrl: string;
  urls: PerLogin;
  passwords: PerLogin;
  stop(): Promise<void>;
}

/** How to start an embedded Postgres. */
export interface EmbeddedOptions {
  /** The folder that keeps its files, and that one process at a time may use. */
  dir: string;
  /** The port to try first; otherwise the one it had, and then any. */
  port?: number;
  /** For tests: a cluster that is fast, unsafe, and gone when it stops. */
  fleeting?: boolean;
}

/** The folder's Postgres is already used by another process. */
export class InUse extends Error {
  override name = "InUse";
}

/** Starts the embedded Postgres of a folder, making it first if need be. Throws `InUse`. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  await Deno.mkdir(options.dir, { recursive: true });
  const lock = await takeLock(options.dir);
  try {
    const home = await findHome(options.dir);
    const kept = await keptIn(options.dir, home);
    await initialise(home, kept.admin, options.fleeting ?? false);
    await stopLeftover(home.data);
    const { port, stop } = await startServer(home, options.port ?? kept.port, options.fleeting);
    await keep(options.dir, { ...kept, port });
    const embedded = embeddedAt({ ...kept, port });
    await ensureDatabase(embedded.adminUrl);
    return {
      ...embedded,
      async stop() {
        await stop();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Starts the embedded Postgres of a folder or, where another process runs it, borrows that one. */
export async function joinEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  try {
    return await startEmbedded(options);
  } catch (error) {
    if (!(error instanceof InUse)) throw error;
    const kept: Kept = JSON.parse(await Deno.readTextFile(keptAt(options.dir)));
    return { ...embeddedAt(kept), stop: () => Promise.resolve() };
  }
}

const DATABASE = "wrenchline";
const PATIENCE_MS = 10_000;
const LOG_GROWS_TO_BYTES = 5_000_000;

type Kept = PerLogin & { admin: string; port: number };

function embeddedAt({ admin, port, ...passwords }: Kept): Omit<Embedded, "stop"> {
  const url = (user: string, password: string) =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${DATABASE}`;
  return {
    adminUrl: url("postgres", admin),
    urls: perLogin((login) => url(LOGINS[login], passwords[login])),
    passwords: perLogin((login) => passwords[login]),
  };
}

function perLogin(value: (login: keyof PerLogin) => string): PerLogin {
  return {
    web: value("web"),
    relay: value("relay"),
    backstage: value("backstage"),
    dba: value("dba"),
  };
}

/** The lock goes with the process that holds it, however that ends. */
async function takeLock(dir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(join(dir, "lock"), { read: true, write: true, create: true });
  if (await file.tryLock(true)) {
    await file.truncate();
    await file.write(new TextEncoder().encode(String(Deno.pid)));
    return file;
  }
  file.close();
  const holder = await Deno.readTextFile(join(dir, "lock"));
  throw new InUse(
    `The database in ${dir} is in use by process ${holder}, another Wrenchline: stop that first.`,
  );
}

function keptAt(dir: string): string {
  return join(dir, "postgres.json");
}

async function keptIn(dir: string, home: Home): Promise<Kept> {
  const text = await Deno.readTextFile(keptAt(dir)).catch(ignoring(Deno.errors.NotFound));
  if (text) return JSON.parse(text);
  if (await Deno.stat(home.data).catch(ignoring(Deno.errors.NotFound))) {
    throw new Error(`${keptAt(dir)} is gone, and the database's passwords with it: remove ${dir}`);
  }
  const kept = { ...perLogin(newPassword), admin: newPassword(), port: 0 };
  await keep(dir, kept);
  return kept;
}

function newPassword(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
}

async function keep(dir: string, kept: Kept): Promise<void> {
  const unfinished = `${keptAt(dir)}.new`;
  await Deno.writeTextFile(unfinished, JSON.stringify(kept, null, 2), { mode: 0o600 });
  await Deno.rename(unfinished, keptAt(dir));
}

async function initialise(home: Home, password: string, fleeting: boolean): Promise<void> {
  const major = await Deno.readTextFile(join(home.data, "PG_VERSION"))
    .catch(ignoring(Deno.errors.NotFound));
  if (major?.trim() === "18") return;
  if (major) throw new Error(`${home.data} was made by Postgres ${major.trim()}, this is 18`);

  // Made aside and renamed when done, so that a half-made one is never taken for a whole.
  const unfinished = `${home.data}.new`;
  const passwordFile = `${home.data}.password`;
  await Deno.remove(unfinished, { recursive: true }).catch(ignoring(Deno.errors.NotFound));
  await Deno.mkdir(unfinished, { mode: 0o700 });
  await Deno.writeTextFile(passwordFile, password, { mode: 0o600 });
  try {
    for (const path of [unfinished, passwordFile]) await give(path, home);
    const made = await new Deno.Command(join(home.binaries, "bin", "initdb"), {
      args: [
        `--pgdata=${unfinished}`,
        "--username=postgres",
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
        ...(fleeting ? ["--no-sync"] : []),
      ],
      ...surroundings(home),
    }).output();
    if (!made.success) {
      throw new Error(`initdb failed: ${new TextDecoder().decode(made.stderr)}`);
    }
  } finally {
    await Deno.remove(passwordFile);
  }
  await Deno.rename(unfinished, home.data);
}

async function give(path: string, { runner }: Home): Promise<void> {
  if (runner.uid !== undefined) await Deno.chown(path, runner.uid, runner.gid ?? null);
}

/** Nobody's PG* variables, and no folder its user may not be in. */
function surroundings({ runner }: Home) {
  const path = Deno.env.get("PATH") ?? "/usr/bin:/bin";
  return { ...runner, cwd: "/", clearEnv: true, env: { PATH: path, LC_ALL: "C" } };
}

/** Ends a Postgres whose guardian was killed too, and forgets one that is long gone. */
async function stopLeftover(data: string): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    const pid = await leftover(data);
    if (pid === null) break;
    Deno.kill(pid, signal);
    await until(async () => await leftover(data) === null);
  }
  await Deno.remove(join(data, "postmaster.pid")).catch(ignoring(Deno.errors.NotFound));
}

/** The process that runs on this data, if there is one. Its number alone proves nothing: they are reused. */
async function leftover(data: string): Promise<number | null> {
  const text = await Deno.readTextFile(join(data, "postmaster.pid"))
    .catch(ignoring(Deno.errors.NotFound));
  const pid = Number(text?.split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (Deno.build.os === "linux") {
    const works = await Deno.readLink(`/proc/${pid}/cwd`).catch(() => null);
    return works === await Deno.realPath(data) ? pid : null;
  }
  const listed = await new Deno.Command("ps", { args: ["-o", "command=", "-p", String(pid)] })
    .output();
  return new TextDecoder().decode(listed.stdout).includes(data) ? pid : null;
}

/**
 * Starts the server and, when our end of its standard input closes, however that comes about, has
 * it shut down fast. It has a session of its own: Ctrl-C is for us, who still need the database.
 */
const GUARDIAN = `
umask 077
log=$1 fleeting=$2; shift 2
exec 3<&0
"$@" 3<&- >>"$log" 2>&1 & server=$!
{ read -r _ <&3; kill -INT $server; } & reader=$!
wait $server; code=$?
kill -KILL $reader
[ -n "$fleeting" ] && rm -rf "$fleeting"/*
exit $code
`;

async function startServer(home: Home, firstPort: number, fleeting = false) {
  const deadline = Date.now() + PATIENCE_MS;
  const server = join(home.binaries, "bin", "postgres");
  let port = firstPort;
  while (true) {
    port = freePort(port);
    const logged = await prepareLog(home);
    const guardian = new Deno.Command("/bin/sh", {
      args: ["-c", GUARDIAN, "sh", home.log, fleeting ? home.data : "", server]
        .concat(settings(home, port, fleeting)),
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
      ...surroundings(home),
    }).spawn();
    guardian.unref();
    let ended = false;
    guardian.status.then(() => ended = true);

    await until(async () => ended || await isReady(home.data));
    if (!ended && await isReady(home.data)) {
      return { port, stop: () => stopServer(guardian, home.data) };
    }
    await stopServer(guardian, home.data);
    const words = (await Deno.readTextFile(home.log)).slice(logged);
    // The first passes by choosing another port; the second when a killed server's last process ends.
    const passes = /Address already in use|pre-existing shared memory/.test(words);
    if (!passes || Date.now() > deadline) {
      throw new Error(`Postgres does not start. It says, in ${home.log}:\n${words.slice(-2000)}`);
    }
    if (/Address already in use/.test(words)) port = 0;
    else await new Promise((wake) => setTimeout(wake, 100));
  }
}

function settings(home: Home, port: number, fleeting: boolean): string[] {
  const values: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    jit: "off",
    max_connections: "200",
    // Parameters hold proofs, codes and what people say.
    log_parameter_max_length: "0",
    log_parameter_max_length_on_error: "0",
    password_encryption: "scram-sha-256",
    ...(fleeting ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {}),
  };
  const flags = Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", home.data, ...flags];
}

async function prepareLog(home: Home): Promise<number> {
  const size = (await Deno.stat(home.log).catch(ignoring(Deno.errors.NotFound)))?.size ?? 0;
  if (size > LOG_GROWS_TO_BYTES) await Deno.truncate(home.log);
  using _made = await Deno.open(home.log, { append: true, create: true, mode: 0o600 });
  await give(home.log, home);
  return size > LOG_GROWS_TO_BYTES ? 0 : size;
}

function freePort(wanted: number): number {
  try {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: wanted });
    return listener.addr.port;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse && wanted !== 0) return freePort(0);
    throw error;
  }
}

/** The eighth line of its pid file is how Postgres tells pg_ctl. */
async function isReady(data: string): Promise<boolean> {
  const text = await Deno.readTextFile(join(data, "postmaster.pid")).catch(() => "");
  return text.split("\n")[7]?.trim() === "ready";
}

async function stopServer(guardian: Deno.ChildProcess, data: string): Promise<void> {
  guardian.ref();
  await guardian.stdin.close().catch(() => {}); // it may have ended by itself
  const timer = setTimeout(async () => {
    const pid = await leftover(data);
    if (pid !== null) Deno.kill(pid, "SIGQUIT");
  }, 3_000);
  await guardian.status;
  clearTimeout(timer);
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  await asAdministrator(adminUrl, async (client) => {
    const { rowCount } = await client.query(
      "select from pg_catalog.pg_database where datname = $1",
      [DATABASE],
    );
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  }, "postgres");
}

async function until(happened: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!await happened() && Date.now() < deadline) {
    await new Promise((wake) => setTimeout(wake, 15));
  }
}
