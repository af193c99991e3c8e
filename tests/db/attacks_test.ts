/** What somebody cannot do who manages to run SQL of their own inside their request. */
import { strict as assert } from "node:assert";
import { reading } from "@/lib/db/door.ts";
import { castOn, type Player, proofOf, SESSIONS, USERS } from "../support/cast.ts";
import { asAdmin, freshDatabase } from "../support/database.ts";
import { inject, loginOf, openDoor, VISITOR } from "./entrance.ts";

const DENIED = { code: "42501" };
const ME = "select auth.uid() as uid, auth.my_role() as role";
const ALL_SESSIONS = "select id from app.sessions";
const ALL_MESSAGES = "select body from app.chat_messages";

const settings = (values: Record<string, string>) =>
  `select ${Object.entries(values).map(([k, v]) => `set_config('${k}', '${v}', true)`).join(", ")}`;

Deno.test("forged settings make nobody somebody else; only a proof does", async () => {
  await using door = await openDoor();
  const forged = settings({
    "app.uid": USERS.marco,
    "app.user_id": USERS.marco,
    "app.role": "dispatcher",
    "request.jwt.claims": `{"sub": "${USERS.marco}", "role": "dispatcher"}`,
    "session.user_id": USERS.marco,
  });
  assert.deepEqual(await door.attack(loginOf("oscar"), forged, ME), [{
    uid: USERS.oscar,
    role: "customer",
  }]);
  assert.deepEqual(await door.attack(loginOf("oscar"), forged, ALL_SESSIONS), [{
    id: SESSIONS.oscars,
  }]);
  assert.deepEqual(await door.attack(VISITOR, forged, ME), [{ uid: null, role: null }]);

  for (const proof of [USERS.marco, "marco", "", proofOf("marco").toUpperCase(), "%"]) {
    assert.deepEqual(await door.attack(loginOf("oscar"), settings({ "app.proof": proof }), ME), [
      { uid: null, role: null },
    ]);
  }
  // The stored hash is not the proof.
  await using other = await freshDatabase();
  const [{ hash }] = await asAdmin(other.adminUrl, async (admin) => {
    await castOn(admin);
    return (await admin.query(
      "select encode(proof_hash, 'hex') as hash from auth.logins where user_id = $1",
      [USERS.marco],
    )).rows;
  });
  assert.deepEqual(await door.attack(loginOf("oscar"), settings({ "app.proof": hash }), ME), [
    { uid: null, role: null },
  ]);
  // Who holds a proof is whom it belongs to, and that is all.
  assert.deepEqual(
    await door.attack(loginOf("oscar"), settings({ "app.proof": proofOf("marco") }), ME),
    [
      { uid: USERS.marco, role: "mechanic" },
    ],
  );
});

Deno.test("a web role taken by force sees and does no more than its user; the other roles are not to be had", async () => {
  await using door = await openDoor();
  for (const role of ["anon", "customer", "mechanic", "dispatcher"]) {
    const taken = settings({ role: `wrenchline_${role}` });
    assert.deepEqual(
      await door.attack(loginOf("oscar"), taken, "select current_user::text as me"),
      [
        { me: `wrenchline_${role}` },
      ],
    );
    assert.deepEqual(
      await door.attack(loginOf("oscar"), taken, ALL_SESSIONS),
      role === "anon" ? [] : [{ id: SESSIONS.oscars }],
    );
  }
  // A dispatcher does see them all, because of who she is.
  assert.equal((await door.attack(loginOf("dana"), ALL_SESSIONS)).length, 2);

  for (const role of ["owner", "backstage", "relay", "dba"]) {
    for (
      const how of [
        settings({ role: `wrenchline_${role}` }),
        `set role wrenchline_${role}`,
        `set local role wrenchline_${role}`,
        `set session authorization wrenchline_${role}`,
      ]
    ) await assert.rejects(door.attack(loginOf("dana"), how), DENIED, how);
  }
  await assert.rejects(door.attack(loginOf("dana"), "set role postgres"), DENIED);
  await assert.rejects(door.attack(loginOf("dana"), "set role pg_read_all_data"), DENIED);
});

Deno.test("RESET ROLE leads to a login that may not touch a thing", async () => {
  await using door = await openDoor();
  for (
    const reset of [
      "reset role",
      "set role none",
      "set session authorization default",
      settings({ role: "none" }),
    ]
  ) {
    assert.deepEqual(
      await door.attack(loginOf("marco"), reset, "select current_user::text as me"),
      [
        { me: "wrenchline_web" },
      ],
    );
    for (
      const statement of [
        ALL_SESSIONS,
        ALL_MESSAGES,
        "select id from app.plans",
        "select api.viewer()",
        `select api.read_session('${SESSIONS.olives}', 'chat')`,
        "create table app.mine (id int)",
        "create schema mine",
        "alter role wrenchline_web bypassrls",
        "grant wrenchline_owner to wrenchline_web",
      ]
    ) {
      await assert.rejects(
        door.attack(loginOf("marco"), reset, statement),
        (error: { code: string; cause?: { code: string } }) =>
          // 15 has other words for an attribute that is not one's to give.
          error.code === "42501" || error.code === "0LP01",
        statement,
      );
    }
  }
  assert.equal((await door.attack(loginOf("marco"), ALL_SESSIONS)).length, 1); // as himself he may
});

Deno.test("no temporary table, schema or search path comes between a definer function and its tables", async () => {
  await using door = await openDoor();
  for (
    const statement of [
      "create temporary table users (id uuid, role text)",
      "create temporary view logins as select 1",
      "create function pg_temp.uid() returns uuid language sql as 'select null::uuid'",
      "create schema evil",
      "create function public.sha256(bytea) returns bytea language sql as 'select $1'",
      "create table public.users (id uuid)",
      "create operator public.= (leftarg = uuid, rightarg = uuid, function = uuid_ne)",
    ]
  ) {
    await assert.rejects(door.attack(loginOf("oscar"), statement), DENIED, statement);
    await assert.rejects(door.attack(loginOf("oscar"), "reset role", statement), DENIED, statement);
  }
  // Had there been such tables all the same, nobody would look there.
  await door.sql(`
    create schema evil;
    create table evil.users (id uuid, role text);
    create table evil.logins (user_id uuid, proof_hash bytea, revoked_at timestamptz, expires_at timestamptz);
    create function evil.uid() returns uuid language sql as $$ select '${USERS.dana}'::uuid $$;
    insert into evil.users values ('${USERS.oscar}', 'dispatcher');
    grant usage on schema evil to public;
    grant select on all tables in schema evil to public;
    grant execute on all functions in schema evil to public;
  `);
  const lured = settings({ search_path: "evil, auth, app, pg_catalog" });
  assert.deepEqual(await door.attack(loginOf("oscar"), lured, "select uid() as uid"), [{
    uid: USERS.dana,
  }]);
  assert.deepEqual(await door.attack(loginOf("oscar"), lured, ME), [{
    uid: USERS.oscar,
    role: "customer",
  }]);
  assert.deepEqual(await door.attack(loginOf("oscar"), lured, ALL_SESSIONS), [{
    id: SESSIONS.oscars,
  }]);
});

Deno.test("nobody speaks as another, in another's session, or with a number of their own", async () => {
  await using door = await openDoor();
  const insert = (session: string, sender: Player, columns = "", values = "") =>
    `insert into app.chat_messages (session_id, sender_id, body${columns})
     values ('${session}', '${USERS[sender]}', 'Trust me'${values})`;
  await assert.rejects(door.attack(loginOf("olive"), insert(SESSIONS.olives, "marco")), DENIED);
  await assert.rejects(door.attack(loginOf("oscar"), insert(SESSIONS.olives, "olive")), DENIED);
  await assert.rejects(door.attack(loginOf("oscar"), insert(SESSIONS.olives, "oscar")), DENIED);
  await assert.rejects(
    door.attack(
      loginOf("oscar"),
      settings({ role: "wrenchline_mechanic" }),
      insert(SESSIONS.olives, "marco"),
    ),
    DENIED,
  );
  for (const [column, value] of [["version", "99"], ["sender_name", "'Marco'"]]) {
    await assert.rejects(
      door.attack(loginOf("olive"), insert(SESSIONS.olives, "olive", `, ${column}`, `, ${value}`)),
      DENIED,
    );
  }
  await door.attack(loginOf("olive"), insert(SESSIONS.olives, "olive"));
  assert.deepEqual(await door.sql("select sender_id, version::int from app.chat_messages"), [
    { sender_id: USERS.olive, version: 4 },
  ]);
});

Deno.test("nobody changes or removes a row: not another's, and not their own past", async () => {
  await using door = await openDoor();
  await door.attack(
    loginOf("olive"),
    `select api.send_message('${SESSIONS.olives}', null, 'It shakes')`,
  );
  for (
    const statement of [
      "update app.chat_messages set body = 'It is fine'",
      "delete from app.chat_messages",
      "truncate app.chat_messages",
      "update app.sessions set status = 'live'",
      "insert into app.sessions (type, plan, length_minutes) values ('chat', 'chat10', 10)",
      `insert into app.session_participants values ('${SESSIONS.olives}', '${USERS.oscar}', 'mechanic')`,
      "delete from app.session_participants",
      "update app.session_participants set role = 'mechanic'",
      "update app.plans set price_cents = 1",
      "update app.checkouts set status = 'paid'",
      "update auth.users set role = 'dispatcher'",
      "insert into auth.users (name, role) values ('Eve', 'dispatcher')",
      "update auth.logins set expires_at = 'infinity'",
      `update app.intakes set complaint = 'x' where user_id = '${USERS.olive}'`,
    ]
  ) {
    for (const role of ["customer", "mechanic", "dispatcher"]) {
      await assert.rejects(
        door.attack(loginOf("oscar"), settings({ role: `wrenchline_${role}` }), statement),
        DENIED,
        statement,
      );
    }
    await assert.rejects(door.attack(VISITOR, statement), DENIED, statement);
  }
  assert.deepEqual(await door.sql(ALL_MESSAGES), [{ body: "It shakes" }]);
  assert.deepEqual(await door.attack(loginOf("olive"), ALL_MESSAGES), [{ body: "It shakes" }]);
  assert.deepEqual(await door.attack(loginOf("oscar"), ALL_MESSAGES), []);
});

Deno.test("injected SQL in a read sees what its user sees", async () => {
  await using _ = await openDoor();
  const union =
    "select name from app.plans where id = 'x' union all select u.name from auth.users u";
  const names = (who: Player) => reading(loginOf(who), (tx) => inject<{ name: string }>(tx, union));
  const of = (rows: { name: string }[]) => rows.map(({ name }) => name).sort();
  assert.deepEqual(of(await names("oscar")), ["Oscar"]);
  assert.deepEqual(of(await names("olive")), ["Marco", "Olive"]);
  assert.equal((await names("dana")).length, 5);
});
