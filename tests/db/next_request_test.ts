import { strict as assert } from "node:assert";
import { reading, writing } from "@/lib/db/door.ts";
import { proofOf, SESSIONS, USERS } from "../support/cast.ts";
import { asAdmin } from "../support/database.ts";
import { everywhere, inject, loginOf, openDoor, VISITOR } from "./entrance.ts";

const [OLIVE, OSCAR] = [loginOf("olive"), loginOf("oscar")];
const ATTACKERS_PROOF = `set_config('app.proof', '${proofOf("oscar")}', false)`;

/** Who a request is, by everything that says so, and which sessions it sees. */
function whoami(login: typeof OLIVE, ask = reading) {
  return ask(
    login,
    (tx) =>
      tx<Who>`select pg_backend_pid() as pid, auth.uid() as uid, auth.my_role() as "myRole",
      current_user::text as role, session_user::text as "sessionUser",
      current_setting('app.proof') as proof, current_setting('search_path') as path,
      current_setting('synchronous_commit') as flush, current_setting('statement_timeout') as timeout,
      current_setting('lock_timeout') as "lockTimeout", current_setting('row_security') as "rowSecurity",
      current_setting('TimeZone') = (select reset_val from pg_settings where name = 'TimeZone') as "ownTime",
      nullif(current_setting('app.uid', true), '') as "forgedUid",
      array(select id from app.sessions) as sessions`,
  ).then(([row]) => row);
}

interface Who {
  pid: number;
  uid: string;
  sessions: string[];
}

const OLIVES_OWN = {
  uid: USERS.olive,
  myRole: "customer",
  role: "wrenchline_customer",
  sessionUser: "wrenchline_web",
  proof: proofOf("olive"),
  path: "",
  flush: "on",
  timeout: "10s",
  lockTimeout: "3s",
  rowSecurity: "on",
  ownTime: true,
  forgedUid: null,
  sessions: [SESSIONS.olives],
};

/** Asks on every connection there is, and finds Olive to be Olive on all; answers with their backends. */
async function assertOliveIsOlive(): Promise<Set<number>> {
  const found = [
    ...await everywhere(() => whoami(OLIVE, reading)),
    ...await everywhere(() => whoami(OLIVE, writing)),
  ];
  for (const { pid: _, ...who } of found) assert.deepEqual(who, OLIVES_OWN);
  return new Set(found.map(({ pid }) => pid));
}

/** Runs SQL of an attacker's own as Oscar, and says on which connection. */
async function attackWith(statements: string[]): Promise<number> {
  const [[{ pid }]] = await writing(OSCAR, (tx) =>
    Promise.all([
      tx<{ pid: number }>`select pg_backend_pid() as pid`,
      ...statements.map((text) => inject(tx, text)),
    ]) as Promise<[{ pid: number }[], ...unknown[]]>);
  return pid;
}

Deno.test("two requests on one connection share no identity, whoever was there before", async () => {
  await using _ = await openDoor();
  await assertOliveIsOlive();
  await everywhere(() => whoami(OSCAR));
  await everywhere(() => whoami(loginOf("marco"), writing));
  const pids = await assertOliveIsOlive();
  assert.equal(pids.size, 8);
  // A visitor's connection serves visitors only, and they are nobody.
  const nobody = await everywhere(() =>
    reading(VISITOR, (tx) => tx`select auth.uid() as uid, current_user::text as role`)
  );
  for (const rows of nobody) assert.deepEqual(rows, [{ uid: null, role: "wrenchline_anon" }]);
});

Deno.test("a refused request leaves nothing of itself on its connection", async () => {
  await using _ = await openDoor();
  const before = await assertOliveIsOlive();
  const refusals: (() => Promise<unknown>)[] = [
    () => writing(OSCAR, (tx) => tx`select api.send_message(${SESSIONS.olives}, null, 'Hello')`),
    () => writing(OSCAR, (tx) => inject(tx, "select 1/0")),
    () => reading(OSCAR, (tx) => inject(tx, "insert into app.plans default values")),
    () => reading(OSCAR, (tx) => inject(tx, "select from where")),
    () => writing(OSCAR, (tx) => inject(tx, `select ${ATTACKERS_PROOF}, 1/0`)),
    () =>
      writing(OSCAR, () => {
        throw new Error("a slip");
      }),
  ];
  for (const refusal of refusals) {
    await everywhere(() => assert.rejects(refusal()));
    await assertOliveIsOlive();
  }
  assert.ok((await assertOliveIsOlive()).isSubsetOf(before), "on the same connections");
});

Deno.test("settings that injected SQL means to stay are gone before the next request", async () => {
  await using _ = await openDoor();
  const before = await assertOliveIsOlive();
  const pid = await attackWith([
    `select ${ATTACKERS_PROOF}, set_config('app.uid', '${USERS.oscar}', false),
      set_config('search_path', 'evil', false), set_config('synchronous_commit', 'off', false),
      set_config('statement_timeout', '0', false), set_config('lock_timeout', '1ms', false),
      set_config('row_security', 'off', false), set_config('TimeZone', 'Asia/Kolkata', false),
      set_config('role', 'wrenchline_dispatcher', false)`,
  ]);
  const after = await assertOliveIsOlive();
  assert.ok(before.has(pid) && after.has(pid), "the connection is still in use");
});

Deno.test("the door carries no statement that a reset would not undo, such as preparing its own names", async () => {
  await using _ = await openDoor();
  const before = await assertOliveIsOlive();
  const theirs =
    `(text, text) as select set_config('role', 'wrenchline_customer', true), ${ATTACKERS_PROOF}`;
  for (
    const statement of [
      "deallocate all",
      `prepare who ${theirs}`,
      `/* select */ prepare who ${theirs}`,
      "set role wrenchline_dispatcher",
      "reset role",
      "commit",
      "begin",
      "alter role wrenchline_web set search_path = evil",
      "listen session_changed",
      "copy app.plans to stdout",
      "do 'begin end'",
      "explain analyze select 1",
      "selectx",
      "",
    ]
  ) await assert.rejects(attackWith([statement]), /carries queries only/, statement);
  await assert.rejects(attackWith([`select 1; prepare who ${theirs}`]), { code: "42601" });
  await attackWith([" select 1", "\nwith one as (select 1) select * from one"]);
  assert.ok((await assertOliveIsOlive()).isSubsetOf(before));
});

Deno.test("a connection on which nobody can be identified any more is given up", async () => {
  await using door = await openDoor();
  const before = await assertOliveIsOlive();
  await door.sql("alter function auth.role_for_proof(text) rename to somewhere_else");
  for (const ask of [reading, writing]) {
    await everywhere(() => assert.rejects(whoami(OLIVE, ask), { code: "42883" }));
  }
  await door.sql("alter function auth.somewhere_else(text) rename to role_for_proof");
  assert.ok((await assertOliveIsOlive()).isDisjointFrom(before));
});

Deno.test("the web login is nobody until the door made it somebody", async () => {
  await using door = await openDoor();
  await asAdmin(door.db.webUrl, async (web) => {
    for (const table of ["app.sessions", "app.plans", "auth.users", "app.chat_messages"]) {
      await assert.rejects(web.query(`select from ${table}`), { code: "42501" });
    }
    await assert.rejects(web.query("select api.viewer()"), { code: "42501" });
    const { rows } = await web.query("select auth.role_for_proof($1) as role", [proofOf("marco")]);
    assert.deepEqual(rows, [{ role: "wrenchline_mechanic" }]);
  });
});
