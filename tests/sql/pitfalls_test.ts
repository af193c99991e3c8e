/** What bites in Postgres, each once: the pitfalls we know of, and the attacks they make possible. */
import { strict as assert } from "node:assert";
import { proofOf } from "../support/cast.ts";
import { actAs, actAsProof, onStage, type StageTx } from "../support/stage.ts";

const REFUSED = { code: "42501" };

/** What SQL of one's own would be, had somebody found a way to slip it in. */
function injected(tx: StageTx, text: string) {
  return tx.savepoint((sp) => sp.raw(text));
}

Deno.test("a temporary table stands in for nothing that a definer function reads", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "oscar");
    await assert.rejects(injected(tx, "create temporary table users (id uuid)"), REFUSED);

    await actAs(tx, "admin"); // even if they could
    await tx.raw(
      `do $$ begin execute format('grant temporary on database %I to wrenchline_customer', current_database()); end $$`,
    );
    await actAs(tx, "oscar");
    await tx.raw(`
      create temporary table logins as select ''::bytea as proof_hash, '${users.olive}'::uuid as user_id,
        null::timestamptz as revoked_at, now() + '1 day'::interval as expires_at;
      create temporary table users as select '${users.oscar}'::uuid as id, 'dispatcher' as role, 'x@y.z' as email, 'Oscar' as name;
      create function pg_temp.sha256(bytea) returns bytea language sql as 'select ''''::bytea';
      set local search_path = pg_temp, app, auth, api, pg_catalog`);
    assert.deepEqual(await tx`select api.viewer() ->> 'role' as role, auth.uid() as id`, [
      { role: "customer", id: users.oscar },
    ]);
  }));

Deno.test("a schema of the caller's own in front of the search path changes nothing", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    await assert.rejects(injected(tx, "create schema evil"), REFUSED);
    await actAs(tx, "admin");
    await tx.raw(`
      create schema evil; grant usage, create on schema evil to wrenchline_customer`);
    await actAs(tx, "oscar");
    await tx.raw(`
      create function evil.length(text) returns int language sql as 'select 0';
      create function evil.now() returns timestamptz language sql as 'select null::timestamptz';
      set local search_path = evil, pg_catalog`);
    const long = (t: StageTx) => t`select api.save_intake(${"x".repeat(300)}, '')`;
    await assert.rejects(tx.savepoint(long), { code: "TOOLG" });
    assert.equal((await tx`select from app.sessions where id = ${session}`).length, 0);
  }));

Deno.test("a view shows its reader no more than their own role does", () =>
  onStage(async (tx, { other }) => {
    await actAs(tx, "admin");
    await tx.raw(`
      create view api.every_session as select id from app.sessions;
      create view api.my_sessions with (security_invoker = true) as select id from app.sessions;
      grant select on api.every_session, api.my_sessions, api.waiting_sessions to wrenchline_customer`);
    await actAs(tx, "oscar");
    assert.deepEqual(await tx`select id from api.my_sessions`, [{ id: other }]);
    assert.equal(
      (await tx`select id from api.every_session`).length,
      2,
      "what it would be without",
    );
    await assert.rejects(injected(tx, "select * from api.waiting_sessions"), REFUSED);
  }));

Deno.test("the seats of a session can be read, where a policy that asked its own table would recurse", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    const seats = (t: StageTx) =>
      t`select from app.session_participants where session_id = ${session}`;
    assert.equal((await seats(tx)).length, 2);
    await actAs(tx, "admin");
    await tx.raw(
      `create policy select_recursive on app.session_participants for select to wrenchline_customer
      using (session_id in (select p.session_id from app.session_participants p))`,
    );
    await actAs(tx, "olive");
    await assert.rejects(tx.savepoint(seats), { code: "42P17" });
  }));

Deno.test("injected SQL can take the web's four roles and no other, and none of them makes it somebody else", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "oscar");
    for (const role of ["owner", "relay", "backstage", "dba"]) {
      await assert.rejects(
        injected(tx, `select set_config('role', 'wrenchline_${role}', true)`),
        REFUSED,
      );
      await assert.rejects(injected(tx, `set local role wrenchline_${role}`), REFUSED);
    }
    await assert.rejects(injected(tx, "set local role postgres"), REFUSED);
    for (const role of ["anon", "customer", "mechanic", "dispatcher"]) {
      await tx.raw(`set local role wrenchline_${role}`);
      assert.deepEqual(await tx`select auth.uid() as id, auth.my_role() as role`, [
        { id: users.oscar, role: "customer" },
      ]);
      assert.equal((await tx`select from app.sessions where id = ${session}`).length, 0, role);
    }
    await actAs(tx, "olive");
    assert.equal((await tx`select from app.sessions where id = ${session}`).length, 1);
  }));

Deno.test("RESET ROLE, by whatever name, ends at a login that has nothing", () =>
  onStage(async (tx) => {
    for (
      const escape of [
        "reset role",
        "set local role none",
        "select set_config('role', 'none', true)",
        "reset all; reset role",
      ]
    ) {
      await actAs(tx, "olive");
      await tx.raw(escape);
      assert.deepEqual(await tx`select current_user::text as me`, [{ me: "wrenchline_web" }]);
      for (
        const what of [
          "table app.sessions",
          "table auth.users",
          "table private.secrets",
          "select api.viewer()",
          "select auth.uid()",
        ]
      ) {
        await assert.rejects(injected(tx, what), REFUSED, `${escape}: ${what}`);
      }
    }
    await actAs(tx, "olive");
    await tx.raw("select from app.sessions; select api.viewer()");
  }));

Deno.test("a forged setting makes nobody: only a proof that a login stands on does", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "vic");
    await tx.raw(`set local role wrenchline_customer`);
    const uid = async () => (await tx<{ id: string }>`select auth.uid() as id`)[0].id;
    await tx.raw(`set local app.uid = '${users.olive}'; set local app.user_id = '${users.olive}';
      set local request.jwt.claims = '{"sub": "${users.olive}"}'`);
    assert.equal(await uid(), null);
    await actAs(tx, "admin");
    const [{ hash }] = await tx<{ hash: string }>`
      select encode(proof_hash, 'hex') as hash from auth.logins where user_id = ${users.olive}`;
    for (
      const proof of [
        users.olive,
        hash,
        `\\x${hash}`,
        proofOf("olive").toUpperCase(),
        "' or true --",
        "0",
      ]
    ) {
      await actAsProof(tx, proof);
      assert.deepEqual(await tx`select current_user::text as me`, [{ me: "wrenchline_anon" }]);
      assert.equal(await uid(), null, "also not what a dump of the database shows");
    }
    await actAsProof(tx, proofOf("olive"));
    assert.equal(await uid(), users.olive);
  }));

Deno.test("an empty setting, as it is after its first use, is a visitor and no error", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    assert.deepEqual(
      await tx`select current_setting('app.proof', true) as setting, auth.uid() as id, auth.my_role() as role`,
      [
        { setting: "", id: null, role: null },
      ],
    );
    await actAs(tx, "olive");
    assert.notEqual((await tx`select auth.uid() as id`)[0].id, null);
  }));

Deno.test("one prepared statement with a generic plan answers each user with their own rows", () =>
  onStage(async (tx, { session, other }) => {
    await actAs(tx, "admin");
    await tx.raw(
      "set local plan_cache_mode = force_generic_plan; grant select on app.sessions to wrenchline_web",
    );
    await actAs(tx, "olive");
    await tx.raw("prepare mine as select id from app.sessions order by id");
    for (
      const [who, ids] of [["olive", [session]], ["oscar", [other]], ["nadia", []], ["vic", []], [
        "olive",
        [session],
      ], ["dana", [session, other]]] as const
    ) {
      await actAs(tx, who);
      const { rows } = await tx.raw("execute mine");
      assert.deepEqual(rows.map(({ id }) => id), ids, who);
    }
  }));

Deno.test("a unique key tells a stranger nothing: row security answers first, known or not", () =>
  onStage(async (tx, { session, users }) => {
    const known = crypto.randomUUID();
    await actAs(tx, "olive");
    const say = (t: StageTx, clientId: string) =>
      t`insert into app.chat_messages (session_id, sender_id, client_id, body)
      values (${session}, ${users.olive}, ${clientId}, 'hello') returning id`;
    assert.equal((await say(tx, known)).length, 1);
    assert.equal((await say(tx, known)).length, 0);
    await actAs(tx, "oscar");
    for (const clientId of [known, crypto.randomUUID()]) {
      await assert.rejects(tx.savepoint((sp) => say(sp, clientId)), { code: "42501" });
      await assert.rejects(
        injected(
          tx,
          `insert into app.chat_messages (session_id, sender_id, client_id, body)
          values ('${session}', '${users.oscar}', '${clientId}', 'x')`,
        ),
        { message: /row-level security/ },
      );
    }
  }));

Deno.test("nobody but a superuser sleeps, takes locks, stores large objects, ends others or reads through xml", () =>
  onStage(async (tx) => {
    const calls = [
      "pg_sleep(0)",
      "pg_advisory_lock(1)",
      "pg_try_advisory_lock(1)",
      "pg_advisory_xact_lock(1)",
      "lo_create(0)",
      "lo_from_bytea(0, '')",
      "pg_terminate_backend(0)",
      "pg_cancel_backend(0)",
      "pg_logical_emit_message(false, '', '')",
      "query_to_xml('select 1', true, true, '')",
      "pg_read_file('PG_VERSION')",
    ];
    for (const who of ["vic", "olive", "marco", "dana", "web", "relay", "dba"] as const) {
      await actAs(tx, who);
      for (const call of calls) {
        await assert.rejects(injected(tx, `select pg_catalog.${call}`), REFUSED, `${who} ${call}`);
      }
    }
    await actAs(tx, "admin");
    await tx.raw("set local client_min_messages = error");
    for (const call of calls) await tx.raw(`select ${call}`);
    await actAs(tx, "backstage"); // graphile-worker's
    await tx.raw("select pg_advisory_xact_lock(1)");
  }));

Deno.test("what is not granted cannot be called: helpers, the relay's, backstage's and the shop's functions", () =>
  onStage(async (tx, { session }) => {
    const calls: [text: string, who: Parameters<typeof actAs>[1]][] = [
      [`api.deliver('[]')`, "relay"],
      [`api.heads('{${session}}')`, "relay"],
      [`api.fulfil_checkout('{}')`, "backstage"],
      [`api.configure_payments('{}', '{}')`, "backstage"],
      [`api.recent_mail()`, "backstage"],
      [`api.end_session('${session}', '')`, "dba"],
      [`auth.role_for_proof('')`, "web"],
      [`private.start_login(null, '')`, "admin"],
      [`private.sign_in('olive@wrenchline.test', '')`, "admin"],
      [`private.enqueue('send_mail', '{}')`, "admin"],
      [`graphile_worker.add_job('send_mail')`, "admin"],
    ];
    for (const [call, caller] of calls) {
      for (const who of ["vic", "olive", "web", "relay", "backstage", "dba"] as const) {
        if (who === caller || who === "backstage" && call.startsWith("graphile")) continue;
        await actAs(tx, who);
        await assert.rejects(injected(tx, `select ${call}`), REFUSED, `${who} ${call}`);
      }
      await actAs(tx, caller);
      await injected(tx, `select ${call}`).catch((error) =>
        assert.notEqual(error.code, "42501", call)
      );
    }
  }));

Deno.test("no parameter of ours reaches the server's log, whatever it is set to log", () =>
  onStage(async (tx) => {
    const settings = await tx<{ login: string }>`
      select setrole::regrole::text as login from pg_db_role_setting
      where 'log_parameter_max_length=0' = any (setconfig) order by 1`;
    assert.deepEqual(settings.map(({ login }) => login), [
      "wrenchline_backstage",
      "wrenchline_relay",
      "wrenchline_web",
    ]);
    const [{ on_error }] =
      await tx`select boot_val as on_error from pg_settings where name = 'log_parameter_max_length_on_error'`;
    assert.equal(on_error, "0");
  }));
