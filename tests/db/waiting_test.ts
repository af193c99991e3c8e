import { strict as assert } from "node:assert";
import { closeDoors, reading, writing } from "@/lib/db/door.ts";
import { SESSIONS } from "../support/cast.ts";
import { asAdmin } from "../support/database.ts";
import { everywhere, inject, loginOf, openDoor, VISITOR } from "./entrance.ts";
import { openProxy } from "./proxy.ts";

const OLIVE = loginOf("olive");

Deno.test("who waits too long for a lock, or takes too long, is told that we are busy", async () => {
  await using door = await openDoor();
  const send = `select api.send_message('${SESSIONS.olives}', null, 'Hello')`;
  const hurried = (setting: string) =>
    writing(OLIVE, (tx) =>
      Promise.all([
        tx`select set_config(${setting}, '20ms', true)`,
        inject(tx, send),
      ]));
  await asAdmin(door.db.adminUrl, async (admin) => {
    await admin.query("begin; select from private.session_versions for update");
    for (const [setting, code] of [["lock_timeout", "55P03"], ["statement_timeout", "57014"]]) {
      await assert.rejects(hurried(setting), (error: Error & { code: string }) => {
        assert.equal(error.code, "BUSY_");
        assert.equal((error.cause as { code: string }).code, code);
        return true;
      });
    }
    await admin.query("commit");
  });
  await writing(OLIVE, (tx) => inject(tx, send));
});

Deno.test("visitors have connections of their own: while all of theirs wait, a customer is answered", async () => {
  await using door = await openDoor();
  const pids = async (login: typeof OLIVE) => {
    const ask = () => reading(login, (tx) => tx<{ pid: number }>`select pg_backend_pid() as pid`);
    return new Set((await everywhere(ask)).map(([{ pid }]) => pid));
  };
  const [visitors, members] = await Promise.all([pids(VISITOR), pids(OLIVE)]);
  assert.deepEqual([visitors.size, members.size], [3, 4]);
  assert.ok(visitors.isDisjointFrom(members));

  await asAdmin(door.db.adminUrl, async (admin) => {
    await admin.query("begin; lock table app.plans in access exclusive mode");
    const waiting = Array.from(
      { length: 20 },
      () => reading(VISITOR, (tx) => tx`select id from app.plans`),
    );
    assert.equal((await reading(OLIVE, (tx) => tx`select auth.uid()`)).length, 1);
    await admin.query("commit");
    for (const plans of await Promise.all(waiting)) assert.equal(plans.length, 3);
  });
});

Deno.test("a request that would wait behind thousands is told at once that we are busy", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.adminUrl);
  door.moveTo(proxy.via);
  await everywhere(() => reading(VISITOR, (tx) => tx`select 1`));
  proxy.hold();
  const asked = Array.from({ length: 2_100 }, () => reading(VISITOR, (tx) => tx`select 1`));
  const refused = await Promise.race(asked.map((one) => one.then(() => null, (error) => error)));
  assert.equal(refused?.code, "BUSY_");
  proxy.release();
  const settled = await Promise.allSettled(asked);
  assert.ok(settled.filter(({ status }) => status === "fulfilled").length >= 1_200);
  await closeDoors();
});

Deno.test("a session that somebody holds locked delays nobody else, nor its own readers", async () => {
  await using door = await openDoor();
  const send = (player: "olive" | "oscar") => {
    const session = player === "olive" ? SESSIONS.olives : SESSIONS.oscars;
    return writing(
      loginOf(player),
      (tx) => tx`select api.send_message(${session}, null, 'Hello')`,
      { rings: session },
    );
  };
  await asAdmin(door.db.adminUrl, async (admin) => {
    const lock = () =>
      admin.query(
        `begin; select from private.session_versions where session_id = '${SESSIONS.olives}' for update`,
      );
    await lock();
    const waiting = Array.from({ length: 30 }, () => send("olive"));
    await send("oscar");
    await reading(OLIVE, (tx) => tx`select api.read_session(${SESSIONS.olives}, 'chat')`);
    await admin.query("commit");
    await Promise.all(waiting);

    // Who has waited for too long is told so, and does not make others wait longer.
    await lock();
    const late = Array.from({ length: 30 }, () => send("olive"));
    const now = performance.now;
    performance.now = () => now.call(performance) + 11_000;
    await admin.query("commit");
    const settled = await Promise.allSettled(late);
    performance.now = now;
    assert.equal(settled[0].status, "fulfilled");
    for (const one of settled.slice(1)) {
      assert.equal((one as PromiseRejectedResult).reason?.code, "BUSY_");
    }
  });
  await send("olive");
  const said = "select from app.chat_messages where session_id = $1";
  assert.equal((await door.sql(said, [SESSIONS.olives])).length, 32);
});
