/** What is out of reach for SQL that somebody brought along: secrets, other people's functions, the server itself. */
import { strict as assert } from "node:assert";
import { openRelay } from "@/lib/live/relay.ts";
import { Chair } from "../live/scene.ts";
import { type Player, proofOf, SESSIONS, USERS } from "../support/cast.ts";
import { asAdmin } from "../support/database.ts";
import { type Entrance, loginOf, openDoor, VISITOR } from "./entrance.ts";

const DENIED = { code: "42501" };
const WEB_ROLES = ["none", "wrenchline_anon", "wrenchline_customer", "wrenchline_mechanic"]
  .concat("wrenchline_dispatcher");

/** Tries a statement as every role the web login can take, with a customer's proof. */
async function assertDeniedToAll(door: Entrance, statement: string, player: Player = "olive") {
  for (const role of WEB_ROLES) {
    await assert.rejects(
      door.attack(loginOf(player), `select set_config('role', '${role}', true)`, statement),
      DENIED,
      `${role}: ${statement}`,
    );
  }
}

Deno.test("nobody reads a secret: not a hash, not a code, not a table of private", async () => {
  await using door = await openDoor();
  const tables = await door.sql<{ name: string }>(
    "select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'private'::regnamespace and c.relkind = 'r'",
  );
  assert.ok(tables.length >= 8);
  for (
    const what of [
      ...tables.map(({ name }) => `* from ${name}`),
      "proof_hash from auth.logins",
      "1 from auth.logins",
      "code_hash from auth.sign_in_codes",
      "link_hash from auth.sign_in_codes",
      "email from auth.users",
      "metadata from app.sessions",
      "payload from graphile_worker._private_jobs",
    ]
  ) {
    await assertDeniedToAll(door, `select ${what}`, "dana");
    await door.sql(`select ${what}`); // it is there
  }
});

Deno.test("nobody learns them from the catalog either: statistics, other people's statements, files", async () => {
  await using door = await openDoor();
  await door.sql("analyze auth.logins; analyze auth.users");
  const rows = await door.attack(
    loginOf("oscar"),
    "select tablename from pg_stats where schemaname in ('auth', 'private') and attname in ('proof_hash', 'email')",
  );
  assert.deepEqual(rows, []);
  for (
    const statement of [
      "select * from pg_authid",
      "select * from pg_shadow",
      "select * from pg_statistic",
      "select pg_read_file('postgresql.conf')",
      "select pg_ls_dir('.')",
      "copy app.plans to '/tmp/plans'",
      "copy app.plans to program 'cat'",
      "copy (select 1) to '/tmp/one'",
      "select pg_reload_conf()",
      "select lo_import('/etc/passwd')",
    ]
  ) await assertDeniedToAll(door, statement);
  await asAdmin(door.db.adminUrl, async (admin) => {
    await admin.query("select 'a secret statement'");
    const seen = await door.attack(
      loginOf("oscar"),
      "select query from pg_stat_activity where query like '%a secret%' and pid <> pg_backend_pid()",
    );
    assert.deepEqual(seen, []);
  });
});

Deno.test("nobody calls what was not granted to the web", async () => {
  await using door = await openDoor();
  for (
    const call of [
      "api.configure_payments(array['whsec_mine'], '{}')",
      "api.fulfil_checkout('{}')",
      "api.record_checkout(gen_random_uuid(), 'cs_1', 'https://x', now())",
      "api.close_checkout('cs_1', 'expired')",
      "api.due_refund(gen_random_uuid())",
      "api.refund_settled(gen_random_uuid(), 're_1', 'succeeded')",
      "api.keep_mail('a@b.c', 'x', 'x')",
      "api.recent_mail()",
      `api.deliver('[{"session": "${SESSIONS.olives}", "after": 0, "proofs": ["${
        proofOf("olive")
      }"]}]')`,
      `api.heads(array['${SESSIONS.olives}'::uuid])`,
      "private.fulfil('{}')",
      `private.start_login('${USERS.dana}', 'x')`,
      "private.enqueue('send_mail', '{}')",
      "private.hmac_sha256('x', 'x')",
      "graphile_worker.add_job('send_mail')",
    ]
  ) {
    const [schema, name] = call.split(/[.(]/);
    const found = await door.sql(
      "select from pg_proc where pronamespace = $1::regnamespace and proname = $2",
      [schema, name],
    );
    assert.ok(found.length > 0, `there is ${schema}.${name}`);
    await assertDeniedToAll(door, `select ${call}`, "dana");
  }
});

Deno.test("the dispatcher's functions ask who is calling, not which role was taken", async () => {
  await using door = await openDoor();
  const taken = "select set_config('role', 'wrenchline_dispatcher', true)";
  const calls = [
    "select api.create_mechanic('eve@wrenchline.test', 'Eve')",
    `select api.assign_mechanic('${SESSIONS.oscars}', 'nadia@wrenchline.test')`,
    `select api.extend_session('${SESSIONS.oscars}', 5)`,
    `select api.unassign_mechanic('${SESSIONS.oscars}', 'nadia@wrenchline.test')`,
    `select api.end_session('${SESSIONS.oscars}', 'done')`,
  ];
  for (const player of ["oscar", "marco"] as const) {
    for (const call of calls) {
      await assert.rejects(door.attack(loginOf(player), call), DENIED, call);
      await assert.rejects(door.attack(loginOf(player), taken, call), { code: "DNIED" }, call);
    }
  }
  for (const call of calls) {
    await assert.rejects(door.attack(VISITOR, taken, call), { code: "DNIED" });
  }
  for (const call of calls) await door.attack(loginOf("dana"), call);
  assert.equal(
    (await door.sql("select from auth.users where email = 'eve@wrenchline.test'")).length,
    1,
  );
});

Deno.test("the server's own levers are out of reach: sleeping, locks, other connections, large objects", async () => {
  await using door = await openDoor();
  for (
    const call of [
      "pg_sleep(0)",
      "pg_sleep_for('0')",
      "pg_advisory_lock(1)",
      "pg_advisory_xact_lock(1)",
      "pg_try_advisory_lock_shared(1, 2)",
      "pg_terminate_backend(pg_backend_pid())",
      "pg_cancel_backend(pg_backend_pid())",
      "lo_create(0)",
      "lo_creat(-1)",
      "lo_from_bytea(0, 'x')",
      "lo_put(1, 0, 'x')",
      "pg_logical_emit_message(true, 'x', 'x')",
      "query_to_xml('select 1', true, true, '')",
      "database_to_xml(true, true, '')",
    ]
  ) await assertDeniedToAll(door, `select ${call}`);
  for (
    const statement of [
      "create role mine",
      "set session_replication_role = replica",
      "set log_statement = 'all'",
      "alter table app.chat_messages disable row level security",
      "alter function auth.uid() owner to wrenchline_web",
      "drop policy select_participant on app.chat_messages",
      "create trigger mine after insert on app.chat_messages execute function auth.uid()",
      "comment on table app.plans is 'x'",
      "lock table app.chat_messages in access exclusive mode",
    ]
  ) await assertDeniedToAll(door, statement);
});

Deno.test("a spoofed bell or signal has the relay tell nobody anything that is not so", async () => {
  await using door = await openDoor();
  const relay = openRelay();
  const olive = new Chair(SESSIONS.olives, proofOf("olive"));
  relay.sit(olive);
  const { version } = await olive.until("ready");
  const signal = (kind: string, more = "") =>
    `{"session": "${SESSIONS.olives}", "from": "${USERS.marco}", "kind": "${kind}"${more}}`;
  await door.attack(
    loginOf("oscar"),
    `select pg_notify('session_changed', '${SESSIONS.olives}'), pg_notify('session_changed', 'nonsense'),
      pg_notify('session_changed', ''), pg_notify('session_signal', 'nonsense'),
      pg_notify('session_signal', '${signal("message", ', "body": "Pay me by transfer"')}'),
      pg_notify('session_signal', '${signal("changes", ', "from": 0, "to": 99')}')`,
  );
  await door.attack(loginOf("oscar"), `notify session_changed, '${SESSIONS.olives}'`);
  // All that gets through is a hint that somebody types, without a word of it.
  await door.attack(
    loginOf("oscar"),
    `select pg_notify('session_signal', '${signal("typing", ', "body": "Pay me"')}')`,
  );
  assert.deepEqual(await olive.next(), { kind: "typing", userId: USERS.marco });

  await door.attack(
    loginOf("marco"),
    `select api.send_message('${SESSIONS.olives}', null, 'Hello')`,
  );
  const changes = await olive.untilSaid("Hello");
  assert.equal(changes.from, version);
  assert.deepEqual(olive.bodies, ["Hello"]);
  await relay.drain();
});
