import assert from "node:assert/strict";
import { join } from "node:path";
import pg from "pg";
import { InUse, joinEmbedded, startEmbedded } from "@/lib/db/embedded.ts";

Deno.test("startEmbedded() makes a cluster, and finds it again with what was stored", async () => {
  await using folder = await temporaryFolder();
  const first = await startEmbedded({ dir: folder.path });
  await ask(first.adminUrl, "create table kept as select 'Golf' as vehicle");
  await first.stop();

  const second = await startEmbedded({ dir: folder.path });
  assert.equal(second.adminUrl, first.adminUrl);
  assert.deepEqual(await ask(second.adminUrl, "select vehicle from kept"), [{ vehicle: "Golf" }]);
  await second.stop();
});

Deno.test("startEmbedded() keeps passwords, parameters and durability as it should", async () => {
  await using folder = await temporaryFolder();
  const embedded = await startEmbedded({ dir: folder.path });
  const settings = await ask(
    embedded.adminUrl,
    `select name, setting from pg_settings where name = any ('{fsync,data_checksums,jit,TimeZone,
     listen_addresses,log_parameter_max_length,log_parameter_max_length_on_error}') order by name`,
  );
  const wrong = new URL(embedded.adminUrl);
  wrong.password = "guessed";
  await assert.rejects(ask(wrong.href, "select"), { code: "28P01" });
  await embedded.stop();

  assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
    data_checksums: "on",
    fsync: "on",
    jit: "off",
    listen_addresses: "127.0.0.1",
    log_parameter_max_length: "0",
    log_parameter_max_length_on_error: "0",
    TimeZone: "UTC",
  });
  const { mode } = await Deno.stat(join(folder.path, "postgres.json"));
  assert.equal(mode! & 0o777, 0o600);
});

Deno.test("startEmbedded() takes another port when its own was taken meanwhile", async () => {
  await using folder = await temporaryFolder();
  const first = await startEmbedded({ dir: folder.path });
  await first.stop();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: portOf(first.adminUrl) });

  const second = await startEmbedded({ dir: folder.path });
  assert.notEqual(portOf(second.adminUrl), portOf(first.adminUrl));
  assert.equal((await ask(second.adminUrl, "select 1 as one")).length, 1);
  await second.stop();
});

Deno.test("startEmbedded() starts although a pid file names a process that is not Postgres", async () => {
  await using folder = await temporaryFolder();
  await (await startEmbedded({ dir: folder.path })).stop();
  const stale = join(folder.path, "postgres", "postmaster.pid");
  await Deno.writeTextFile(stale, `${Deno.pid}\n/elsewhere\n1\n5432\n\n127.0.0.1\n\nready\n`);

  const embedded = await startEmbedded({ dir: folder.path });
  assert.equal((await ask(embedded.adminUrl, "select 1 as one")).length, 1);
  await embedded.stop();
});

Deno.test("startEmbedded() leaves a folder alone that another process uses; joinEmbedded() borrows it", async () => {
  await using folder = await temporaryFolder();
  await using other = await otherProcess(folder.path);

  await assert.rejects(startEmbedded({ dir: folder.path }), (error: Error) => {
    return error instanceof InUse && error.message.includes(String(other.pid));
  });
  const borrowed = await joinEmbedded({ dir: folder.path });
  assert.equal((await ask(borrowed.adminUrl, "select 1 as one")).length, 1);
  await borrowed.stop(); // must not stop the other's
  assert.equal((await ask(borrowed.adminUrl, "select 1 as one")).length, 1);
});

Deno.test("startEmbedded() shuts down by itself when its process is killed", async () => {
  await using folder = await temporaryFolder();
  const other = await otherProcess(folder.path);
  await other.kill("SIGKILL");
  await gone(await other.postmaster());

  const embedded = await startEmbedded({ dir: folder.path });
  const log = await Deno.readTextFile(join(folder.path, "postgres.log"));
  await embedded.stop();
  assert.match(log, /received fast shutdown request/);
  assert.doesNotMatch(log, /not properly shut down/);
});

Deno.test("startEmbedded() stops and replaces a Postgres whose guardian was killed as well", async () => {
  await using folder = await temporaryFolder();
  const other = await otherProcess(folder.path);
  const postmaster = await other.postmaster();
  Deno.kill(await parentOf(postmaster), "SIGKILL");
  await other.kill("SIGKILL");

  const embedded = await startEmbedded({ dir: folder.path });
  assert.equal(await isAlive(postmaster), false);
  assert.equal((await ask(embedded.adminUrl, "select 1 as one")).length, 1);
  await embedded.stop();
});

Deno.test("startEmbedded() recovers what was committed before Postgres was killed", async () => {
  await using folder = await temporaryFolder();
  const first = await startEmbedded({ dir: folder.path });
  await ask(first.adminUrl, "create table kept as select 'Golf' as vehicle");
  Deno.kill(await postmasterIn(folder.path), "SIGKILL");
  await first.stop();

  const second = await startEmbedded({ dir: folder.path });
  assert.equal((await ask(second.adminUrl, "select vehicle from kept")).length, 1);
  await second.stop();
});

Deno.test("startEmbedded() does not begin anew over a database whose passwords are lost", async () => {
  await using folder = await temporaryFolder();
  await (await startEmbedded({ dir: folder.path })).stop();
  await Deno.remove(join(folder.path, "postgres.json"));
  await assert.rejects(startEmbedded({ dir: folder.path }), /postgres\.json is gone/);
});

Deno.test({
  name: "startEmbedded() works for root in a folder only root may enter, also once moved or copied",
  ignore: Deno.uid() !== 0, // there is no other user to be in the way
  async fn() {
    await using folder = await temporaryFolder();
    await Deno.chmod(folder.path, 0o700);
    const [here, moved, copied] = ["here", "moved", "copied"].map((name) =>
      join(folder.path, name, ".data")
    );
    const first = await startEmbedded({ dir: here });
    await ask(first.adminUrl, "create table kept as select 'Golf' as vehicle");
    await first.stop();
    await Deno.rename(join(here, ".."), join(moved, ".."));

    const second = await startEmbedded({ dir: moved });
    assert.equal((await ask(second.adminUrl, "select vehicle from kept")).length, 1);
    await new Deno.Command("cp", { args: ["-r", join(moved, ".."), join(copied, "..")] }).output();

    const third = await startEmbedded({ dir: copied }); // beside the running original
    await assert.rejects(ask(third.adminUrl, "select vehicle from kept"), { code: "42P01" });
    await third.stop();
    await second.stop();
    for (const dir of [moved, copied]) {
      const home = await Deno.readTextFile(join(dir, "postgres.home"));
      await Deno.remove(home, { recursive: true });
    }
  },
});

const CONFIG = join(import.meta.dirname!, "..", "..", "deno.json");

async function ask(url: string, sql: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {}); // the server is killed under it
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** A process of its own that starts the folder's cluster and stays. */
async function otherProcess(dir: string) {
  const starter = import.meta.resolve("@/lib/db/embedded.ts");
  const program = `import { startEmbedded } from ${JSON.stringify(starter)};
    await startEmbedded({ dir: ${JSON.stringify(dir)} });
    console.log("up");
    setInterval(() => {}, 60_000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `--config=${CONFIG}`,
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const end = async (signal: Deno.Signal) => {
    child.kill(signal);
    await child.status;
    await reader.cancel();
  };
  return {
    pid: child.pid,
    kill: (signal: Deno.Signal) => end(signal),
    postmaster: () => postmasterIn(dir),
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}

async function postmasterIn(dir: string): Promise<number> {
  const text = await Deno.readTextFile(join(dir, "postgres", "postmaster.pid"));
  return Number(text.split("\n")[0]);
}

async function parentOf(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "ppid=", "-p", `${pid}`] })
    .output();
  return Number(new TextDecoder().decode(stdout));
}

async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", `${pid}`] })
    .output();
  return /^[^Z]/.test(new TextDecoder().decode(stdout));
}

async function gone(pid: number): Promise<void> {
  while (await isAlive(pid));
}

async function temporaryFolder() {
  const path = await Deno.makeTempDir({ prefix: "wrenchline-embedded-" });
  // Removed by a program that does not mind a guardian finishing its work in there.
  const remove = () => new Deno.Command("rm", { args: ["-rf", path] }).output();
  return { path, [Symbol.asyncDispose]: async () => void await remove() };
}
