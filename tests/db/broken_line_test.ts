import { strict as assert } from "node:assert";
import { backstage, closeDoors, reading, relaying, writing } from "@/lib/db/door.ts";
import { Line } from "@/lib/db/line.ts";
import { SESSIONS } from "../support/cast.ts";
import { asAdmin } from "../support/database.ts";
import { type Entrance, everywhere, loginOf, openDoor, VISITOR } from "./entrance.ts";
import { openProxy } from "./proxy.ts";

const OLIVE = loginOf("olive");
const ONE = [{ one: 1 }];

/** One question at every login. */
function askAll(): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled([
    reading(OLIVE, (tx) => tx`select 1 as one`),
    reading(VISITOR, (tx) => tx`select 1 as one`),
    backstage((tx) => tx`select 1 as one`),
    relaying((tx) => tx`select 1 as one`),
  ]);
}

async function assertAllAnswered() {
  const expected = Array.from({ length: 4 }, () => ({ status: "fulfilled", value: ONE }));
  assert.deepEqual(await askAll(), expected);
}

/** While the database is away it says so, in words; it fails in no other way and never hangs. */
async function assertAllAway() {
  for (const answer of await askAll()) {
    assert.equal(answer.status, "rejected");
    assert.equal((answer as PromiseRejectedResult).reason.code, "AWAY_");
  }
}

/** Asks until it is answered: a connection may be found dead only by asking on it. */
async function assertComesBack() {
  for (let tries = 1; tries <= 20; tries++) {
    const answers = await askAll();
    const lost = answers.filter((answer) => answer.status === "rejected");
    if (lost.length === 0) return;
    for (const { reason } of lost) assert.equal(reason.code, "AWAY_");
  }
  assert.fail("it did not come back");
}

const MINE = "datname = current_database() and usename like 'wrenchline%'";

function endAll(door: Entrance) {
  return door.sql(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${MINE}`);
}

Deno.test("the door reconnects by itself after its connections were ended", async () => {
  await using door = await openDoor();
  await assertAllAnswered();
  const ended = await endAll(door);
  assert.equal(ended.length, 4);
  await assertComesBack();
  await assertAllAnswered();
});

Deno.test("while Postgres lets nobody in the door says so, and afterwards it is open again", async () => {
  await using door = await openDoor();
  await assertAllAnswered();
  const name = new URL(door.db.adminUrl).pathname.slice(1);
  const server = new URL(door.db.adminUrl);
  server.pathname = "/postgres";
  await asAdmin(server.href, async (admin) => {
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
      [name],
    );
    await assertAllAway();
    await assertAllAway();
    await admin.query(`alter database ${name} allow_connections true`);
  });
  await assertComesBack();
});

Deno.test("while nothing answers at the address the door says so, and afterwards it is open again", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.adminUrl);
  door.moveTo(proxy.via);
  await assertAllAnswered();
  proxy.cut();
  await assertAllAway();
  await assertAllAway();
  await proxy.mend();
  await assertComesBack();
  await closeDoors();
});

Deno.test("a login that is not let in is no fault of the person who asks", async () => {
  await using door = await openDoor();
  door.moveTo((url) => url.replace("wrenchline_", "nobody_"));
  await assertAllAway();
  door.moveTo((url) => url);
  await assertAllAnswered();
});

Deno.test("requests in flight when the connection breaks all fail, none hangs, and no error is left over", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.adminUrl);
  door.moveTo(proxy.via);
  await everywhere(() => reading(OLIVE, (tx) => tx`select 1`));
  proxy.hold();
  const asked = Array.from(
    { length: 50 },
    (_, n) =>
      n % 2
        ? reading(OLIVE, (tx) => Promise.all([tx`select 1`, tx`select 2`]))
        : writing(OLIVE, (tx) => tx`select 1`, { rings: SESSIONS.olives }),
  );
  await proxy.said("reset all");
  proxy.cut();
  for (const answer of await Promise.allSettled(asked)) {
    assert.equal((answer as PromiseRejectedResult).reason?.code, "AWAY_");
  }
  proxy.release();
  await proxy.mend();
  await assertComesBack();
  await closeDoors();
});

Deno.test("a request whose backend is ended under it is told that we are away, and was not done", async () => {
  await using door = await openDoor();
  await asAdmin(door.db.adminUrl, async (admin) => {
    await admin.query("begin; lock table app.plans in access exclusive mode");
    const asked = writing(OLIVE, (tx) =>
      Promise.all([
        tx`select api.send_message(${SESSIONS.olives}, null, 'Hello')`,
        tx`select id from app.plans`,
      ]));
    const refused = assert.rejects(asked, { code: "AWAY_" });
    let ended: number | null = 0;
    while (!ended) { // until it waits for the lock
      ({ rowCount: ended } = await admin.query(`select pg_terminate_backend(pid, 5000)
        from pg_locks join pg_database d on d.oid = database
        where d.datname = current_database() and not granted`));
    }
    await refused;
    await admin.query("commit");
  });
  assert.deepEqual(await door.sql("select body from app.chat_messages"), []);
  await assertComesBack();
});

Deno.test("a server that falls silent without hanging up is given up, and what waited is told", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.webUrl);
  const line = new Line(proxy.via(door.db.webUrl), 300);
  assert.deepEqual((await line.send("select 1 as one")).rows, ONE);
  proxy.hold();
  const asked = [line.send("select 2"), line.send("select 3")];
  for (const answer of await Promise.allSettled(asked)) {
    assert.equal((answer as PromiseRejectedResult).reason?.code, "AWAY_");
  }
  await line.gone;
  assert.deepEqual([line.isClosed, line.pending], [true, 0]);
});

Deno.test("a line that ends answers what was asked before, and then nothing", async () => {
  await using door = await openDoor();
  const line = new Line(door.db.webUrl, 5_000);
  const asked = [line.send("select 1 as one"), line.send("select 1 as one")]; // before it has connected
  assert.equal(line.pending, 2);
  await line.end();
  assert.deepEqual((await Promise.all(asked)).map(({ rows }) => rows), [ONE, ONE]);
  assert.deepEqual([line.isClosed, line.pending], [true, 0]);
  await assert.rejects(line.send("select 1"));
  await line.end(); // again is harmless
});

Deno.test("closeDoors() answers what was asked before, and the next request opens a new door", async () => {
  await using _ = await openDoor();
  const asked = askAll();
  await closeDoors();
  for (const answer of await asked) assert.equal(answer.status, "fulfilled");
  await assertAllAnswered();
});
