import { strict as assert } from "node:assert";
import { backstage, closeDoors, reading, relaying, writing } from "@/lib/db/door.ts";
import { listener } from "@/lib/db/listener.ts";
import { proofOf, SESSIONS, USERS } from "../support/cast.ts";
import { everywhere, inject, loginOf, openDoor, VISITOR } from "./entrance.ts";
import { openProxy } from "./proxy.ts";

const OLIVE = loginOf("olive");

/** How many messages Olive's session has. */
const SAID =
  `select count(*)::int as n from app.chat_messages where session_id = '${SESSIONS.olives}'`;

Deno.test("a request is one round trip: all of it is sent before any of it is answered", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.adminUrl);
  door.moveTo(proxy.via);

  for (const login of [OLIVE, VISITOR]) {
    const ask = (what: string) =>
      reading(login, (tx) =>
        Promise.all([
          tx<{ what: string }>`select ${what}::text as what`,
          tx`select id from app.plans`,
        ]));
    await everywhere(() => ask("connects"));
    proxy.hold();
    const answer = ask("asks");
    await proxy.said("reset all"); // the last statement, while not one was answered
    const sent = proxy.sent();
    proxy.release();
    assert.equal((await answer)[0][0].what, "asks");
    assert.equal(proxy.sent(), sent, "nothing was left to be sent after the first answer");
  }

  const send = () =>
    writing(OLIVE, (tx) => tx`select api.send_message(${SESSIONS.olives}, null, 'It shakes')`, {
      rings: SESSIONS.olives,
    });
  await everywhere(() => writing(OLIVE, (tx) => tx`select 1`));
  proxy.hold();
  const written = send();
  await proxy.said("reset all");
  const sent = proxy.sent();
  proxy.release();
  await written;
  assert.equal(proxy.sent(), sent);
  await closeDoors();
});

Deno.test("a hundred requests at once share a handful of connections, and each gets its own answer", async () => {
  await using door = await openDoor();
  const asked = Array.from({ length: 100 }, async (_, n) => {
    const player = (["olive", "marco", "nadia", "oscar"] as const)[n % 4];
    const [row] = await reading(
      loginOf(player),
      (tx) => tx<{ n: number; uid: string }>`select ${n}::int as n, auth.uid() as uid`,
    );
    assert.deepEqual(row, { n, uid: USERS[player] });
  });
  await Promise.all(asked);
  const [{ n }] = await door.sql<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and usename = 'wrenchline_web'",
  );
  assert.equal(n, 4);
});

Deno.test("reading() refuses to write, also when told that it may; writing() writes", async () => {
  await using door = await openDoor();
  const send = "select api.send_message($1, null, 'Hello')".replace("$1", `'${SESSIONS.olives}'`);
  await assert.rejects(reading(OLIVE, (tx) => inject(tx, send)), { code: "25006" });
  await assert.rejects(
    reading(OLIVE, (tx) =>
      Promise.all([
        inject(tx, "select set_config('transaction_read_only', 'off', true)"),
        inject(tx, send),
      ])),
    { code: "25001" },
  );
  assert.equal((await door.sql(SAID))[0].n, 0);
  await writing(OLIVE, (tx) => inject(tx, send));
  assert.equal((await door.sql(SAID))[0].n, 1);
});

Deno.test("writing() never says yes to what was rolled back, and says why it was", async () => {
  await using door = await openDoor();
  const send = `select api.send_message('${SESSIONS.olives}', null, 'Hello')`;
  await assert.rejects(
    writing(OLIVE, async (tx) => {
      inject(tx, send);
      await inject(tx, "select 1/0").catch(() => {}); // nobody looked
    }),
    (error: Error) => {
      assert.match(error.message, /rolled back/);
      assert.equal((error.cause as { code: string }).code, "22012");
      return true;
    },
  );
  // Who awaits the second first still learns what the first was refused for.
  await assert.rejects(
    writing(OLIVE, async (tx) => {
      const first = tx`select api.send_message(${SESSIONS.oscars}, null, 'Hello')`;
      await inject(tx, "select 1");
      await first;
    }),
    { code: "NTFND" },
  );
  assert.equal((await door.sql(SAID))[0].n, 0);
  await writing(OLIVE, (tx) => inject(tx, send));
  assert.equal((await door.sql(SAID))[0].n, 1);
});

Deno.test("a statement that comes late, or a request that throws half way, changes nothing for others", async () => {
  await using door = await openDoor();
  const send = `select api.send_message('${SESSIONS.olives}', null, 'Hello')`;
  await assert.rejects(
    writing(OLIVE, async (tx) => {
      await inject(tx, "select 1");
      await inject(tx, send);
    }),
    /enqueue all before awaiting one/,
  );
  await assert.rejects(
    writing(OLIVE, (tx) => {
      inject(tx, send);
      throw new TypeError("a slip");
    }),
    TypeError,
  );
  await writing(loginOf("oscar"), (tx) => tx`select 1`);
  assert.equal((await door.sql(SAID))[0].n, 0);
});

Deno.test("a statement is one statement, also without values", async () => {
  await using _ = await openDoor();
  await assert.rejects(reading(OLIVE, (tx) => inject(tx, "select 1; select 2")), { code: "42601" });
  assert.deepEqual(await reading(OLIVE, (tx) => inject(tx, "select 2 as two")), [{ two: 2 }]);
});

Deno.test("every request sets its role, its proof, its time limits and how it commits", async () => {
  await using door = await openDoor();
  const settings = () =>
    reading(
      OLIVE,
      (tx) =>
        tx`select current_user::text as role, current_setting('app.proof') as proof,
        current_setting('search_path') as path, current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock, current_setting('synchronous_commit') as flush`,
    );
  const expected = {
    role: "wrenchline_customer",
    proof: proofOf("olive"),
    path: "",
    statement: "10s",
    lock: "3s",
    flush: "on",
  };
  assert.deepEqual(await settings(), [expected]);
  await door.sql("update auth.users set role = 'mechanic' where id = $1", [USERS.olive]);
  assert.deepEqual(await settings(), [{ ...expected, role: "wrenchline_mechanic" }]);
  await door.sql("delete from auth.logins where user_id = $1", [USERS.olive]);
  assert.deepEqual(await settings(), [{ ...expected, role: "wrenchline_anon" }]);
});

Deno.test("writing() rings after its commit; a ring that is lost is seen in api.heads", async () => {
  await using door = await openDoor();
  const rings: string[] = [];
  let wake = () => {};
  const up = Promise.withResolvers<void>();
  const ears = listener({
    url: door.db.relayUrl,
    channels: ["session_changed"],
    onUp: up.resolve,
    onRing: (_, payload) => {
      rings.push(payload);
      wake();
    },
  });
  await up.promise;
  const rung = async (times: number) => {
    while (rings.length < times) await new Promise<void>((heard) => wake = heard);
    return rings.splice(0);
  };
  const say = (rings?: string) =>
    writing(OLIVE, (tx) => tx`select api.send_message(${SESSIONS.olives}, null, 'Hello')`, {
      rings,
    });
  const head = async () => {
    const [{ version }] = await relaying((tx) =>
      tx<{ version: number }>`select version from api.heads(array[${SESSIONS.olives}::uuid])`
    );
    return version;
  };

  await say(SESSIONS.olives);
  assert.deepEqual(await rung(1), [SESSIONS.olives]);
  await say(); // nobody promised to ring, so the trigger does
  assert.deepEqual(await rung(1), [SESSIONS.olives]);

  const before = await head();
  await say(SESSIONS.oscars); // promised, and then not kept for Olive's
  await backstage((tx) => tx`select pg_notify('session_changed', 'the end')`);
  assert.deepEqual(await rung(2), [SESSIONS.oscars, "the end"]);
  assert.equal(await head(), before + 1);

  // The ring is no part of the transaction: it comes although that failed.
  await assert.rejects(
    writing(OLIVE, (tx) => inject(tx, "select 1/0"), { rings: SESSIONS.olives }),
  );
  assert.deepEqual(await rung(1), [SESSIONS.olives]);
  await ears.close();
});
