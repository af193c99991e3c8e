/** Pitfalls of when and where a statement runs: settings that end too early, roles that cannot be taken, bells that are too long. */
import { strict as assert } from "node:assert";
import pg from "pg";
import { proofOf } from "../support/cast.ts";
import { actAs, onStage } from "../support/stage.ts";
import { onCopy } from "./backstage.ts";

Deno.test("no definer function can switch roles, so that the door has to; an invoker function can", () =>
  onStage(async (tx) => {
    await actAs(tx, "admin");
    await tx.raw(`
      create function api.switch_as_owner() returns text language sql security definer as
        'select set_config(''role'', ''wrenchline_mechanic'', true)';
      create function api.switch_as_caller() returns text language sql as
        'select set_config(''role'', ''wrenchline_mechanic'', true)';
      grant execute on all functions in schema api to wrenchline_customer`);
    await actAs(tx, "olive");
    await assert.rejects(tx.savepoint((sp) => sp`select api.switch_as_owner()`), {
      code: "42501",
      message: /within security-definer function/,
    });
    await tx`select api.switch_as_caller()`;
    assert.deepEqual(await tx`select current_user as role, api.viewer() ->> 'role' as is_a`, [
      { role: "wrenchline_mechanic", is_a: "customer" },
    ]);
  }));

Deno.test("who somebody is ends with the transaction it was set in, and outside of one nothing is open", () =>
  onCopy(async ({ db }) => {
    const web = new pg.Client({ connectionString: db.webUrl });
    await web.connect();
    const become =
      "select set_config('role', auth.role_for_proof($1), true), set_config('app.proof', $1, true)";
    const mine = () => web.query("select from app.sessions");
    try {
      await web.query(become, [proofOf("olive")]); // a transaction of its own, over at once
      await assert.rejects(mine(), { code: "42501" });

      await web.query("begin");
      await web.query(become, [proofOf("olive")]);
      assert.equal((await mine()).rowCount, 1);
      await web.query("commit");
      await assert.rejects(mine(), { code: "42501" });
    } finally {
      await web.end();
    }
  }));

Deno.test("a call that names a closed schema is refused when it is parsed, before anybody runs it", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    await assert.rejects(
      tx.savepoint((sp) => sp.raw("prepare it as select private.require_user()")),
      {
        code: "42501",
        message: /schema private/,
      },
    );
    await tx.raw("prepare it as select api.viewer()");
    // Parsed as a customer, and still asked about whoever runs it: no right is kept from the parsing.
    await actAs(tx, "web");
    await assert.rejects(tx.savepoint((sp) => sp.raw("execute it")), { code: "42501" });
  }));

Deno.test("a message rings however many bytes its letters have, because the bell does not hold it", () =>
  onCopy(async ({ db, hand }) => {
    const ears = new pg.Client({ connectionString: db.relayUrl });
    await ears.connect();
    await ears.query("listen session_changed");
    const rung = new Promise<pg.Notification>((heard) => ears.once("notification", heard));
    try {
      const olive = await hand("olive");
      await olive.raw("begin");
      const [{ id }] = await olive<{ id: string }>`select id from app.sessions`;
      const [{ said }] = await olive<{ said: { body: string } }>`
        select api.send_message(${id}, null, ${"€".repeat(4000)}) as said`;
      await olive.raw("commit");
      assert.equal(new TextEncoder().encode(said.body).length, 12_000);
      assert.equal((await rung).payload, id);
    } finally {
      await ears.end();
    }
  }));

Deno.test("COPY is as live as INSERT for an administrator, and Postgres refuses it where row security is on", () =>
  onStage(async (tx, { session, users }) => {
    const copy = (from: string) =>
      tx.savepoint((sp) =>
        sp.raw(`copy app.session_participants (session_id, user_id, role) from ${from}`)
      );
    const version = async () => {
      await actAs(tx, "admin");
      const [row] = await tx<{ version: number }>`
        select version::int from private.session_versions where session_id = ${session}`;
      return row.version;
    };
    const before = await version();
    await actAs(tx, "dba");
    await assert.rejects(copy("stdin"), { code: "0A000", hint: "Use INSERT statements instead." });
    await actAs(tx, "admin");
    await copy(`program 'printf "${session}\\t${users.nadia}\\tmechanic\\n"'`);
    assert.equal(await version(), before + 1);
    await assert.rejects(copy(`program 'printf "${session}\\t${users.oscar}\\tmechanic\\n"'`), {
      code: "DNIED",
    });
  }));
