import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

async function seats(tx: StageTx, session: string): Promise<string[]> {
  return (await tx<{ name: string }>`
    select u.name from app.session_participants p join auth.users u on u.id = p.user_id
    where p.session_id = ${session} order by u.name`).map(({ name }) => name);
}

Deno.test("create_mechanic() makes one mechanic for an address, and again only corrects the name", () =>
  onStage(async (tx) => {
    await actAs(tx, "dba");
    const create = async (t: StageTx, email: string | null, name: string | null) =>
      (await t<{ id: string }>`select create_mechanic(${email}, ${name}) as id`)[0].id;
    const id = await create(tx, " Enzo@Wrenchline.Test ", " Enzo ");
    assert.equal(await create(tx, "enzo@wrenchline.test", "Enzo F."), id);
    assert.deepEqual(await tx`select email, name, role from auth.users where id = ${id}`, [
      { email: "enzo@wrenchline.test", name: "Enzo F.", role: "mechanic" },
    ]);

    for (const email of ["", "enzo", null]) {
      await assert.rejects(tx.savepoint((sp) => create(sp, email, "Enzo")), {
        code: "BADIN",
        hint: /select api\.create_mechanic/,
      });
    }
    for (const name of ["", "  ", "x".repeat(81), null]) {
      await assert.rejects(tx.savepoint((sp) => create(sp, "a@wrenchline.test", name)), {
        code: "BADIN",
        hint: /first name/,
      });
    }
    for (const email of ["dana@wrenchline.test", "olive@wrenchline.test"]) {
      await assert.rejects(tx.savepoint((sp) => create(sp, email, "Dana")), {
        code: "ALRDY",
        hint: /another address/,
      });
    }
    // A customer who never bought anything may come to work here.
    await tx`insert into auth.users (email, name) values ('zoe@wrenchline.test', 'Zoe')`;
    await create(tx, "zoe@wrenchline.test", "Zoe");
  }));

Deno.test("assign_mechanic() and unassign_mechanic() may be repeated, and say what is missing", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "dba");
    const nobody = crypto.randomUUID();
    for (const _again of [1, 2]) {
      await tx`select assign_mechanic(${session}, 'NADIA@wrenchline.test')`;
      assert.deepEqual(await seats(tx, session), ["Marco", "Nadia", "Olive"]);
    }
    for (const _again of [1, 2]) {
      await tx`select unassign_mechanic(${session}, 'nadia@wrenchline.test')`;
      assert.deepEqual(await seats(tx, session), ["Marco", "Olive"]);
    }
    for (const verb of ["assign_mechanic", "unassign_mechanic"]) {
      await assert.rejects(
        tx.savepoint((sp) => sp.raw(`select ${verb}('${session}', 'olive@wrenchline.test')`)),
        { code: "NTFND", hint: /create_mechanic/ },
      );
      await assert.rejects(
        tx.savepoint((sp) => sp.raw(`select ${verb}('${nobody}', 'nadia@wrenchline.test')`)),
        { code: "NTFND", hint: /waiting_sessions/ },
      );
    }
    assert.deepEqual(await seats(tx, session), ["Marco", "Olive"], "Olive keeps her seat");
    await tx`select end_session(${session}, 'test')`;
    await assert.rejects(
      tx.savepoint((sp) => sp`select assign_mechanic(${session}, 'nadia@wrenchline.test')`),
      { code: "ENDED", hint: /live_sessions/ },
    );
  }));

Deno.test("end_session() ends once and keeps the first reason; the talk stays readable", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    await tx`select api.send_message(${session}, null, 'Thank you')`;
    await actAs(tx, "dba");
    await tx`select end_session(${session}, 'solved')`;
    await tx`select end_session(${session}, 'again')`;
    assert.deepEqual(await tx`select status, ended_reason from sessions where id = ${session}`, [
      { status: "ended", ended_reason: "solved" },
    ]);
    await assert.rejects(
      tx.savepoint((sp) => sp`select end_session(${crypto.randomUUID()}, '')`),
      { code: "NTFND", hint: /waiting_sessions/ },
    );
    await actAs(tx, "olive");
    assert.equal((await tx`select from app.chat_messages where session_id = ${session}`).length, 1);
  }));

Deno.test("extend_session() adds minutes each time, up to a day", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "dba");
    const extend = async (t: StageTx, minutes: number | null) =>
      (await t<{ length: number }>`select extend_session(${session}, ${minutes}) as length`)[0]
        .length;
    assert.equal(await extend(tx, 5), 15);
    assert.equal(await extend(tx, 5), 20);
    for (const minutes of [0, -5, 241, null]) {
      await assert.rejects(tx.savepoint((sp) => extend(sp, minutes)), {
        code: "BADIN",
        hint: /between 1 and 240/,
      });
    }
    for (let i = 0; i < 5; i++) await extend(tx, 240);
    await assert.rejects(tx.savepoint((sp) => extend(sp, 240)), { code: "BADIN", hint: /End it/ });
    assert.equal(await extend(tx, 220), 1440);
    await tx`select end_session(${session}, 'test')`;
    await assert.rejects(tx.savepoint((sp) => extend(sp, 5)), {
      code: "ENDED",
      hint: /live_sessions/,
    });
  }));

Deno.test("every change of a session that people can see raises its version, and metadata is none", () =>
  onStage(async (tx, { session }) => {
    const version = async () => {
      await actAs(tx, "admin");
      const [row] = await tx`select v.version::int, s.version::int as own
        from private.session_versions v join app.sessions s on s.id = v.session_id where s.id = ${session}`;
      await actAs(tx, "dba");
      return row;
    };
    const { version: before } = await version() as { version: number };
    await tx`select extend_session(${session}, 5)`;
    assert.deepEqual(await version(), { version: before + 1, own: before + 1 });
    await actAs(tx, "admin");
    await tx`update app.sessions set metadata = '{"note": 1}' where id = ${session}`;
    assert.deepEqual(await version(), { version: before + 1, own: before + 1 });
    await tx`select end_session(${session}, 'test')`;
    assert.deepEqual(await version(), { version: before + 2, own: before + 2 });
  }));

Deno.test("the shop is run by DBAs, by those who are members of theirs, and by dispatchers by login", () =>
  onStage(async (tx, { session }) => {
    const extend = (t: StageTx) => t`select api.extend_session(${session}, 1)`;
    for (const who of ["olive", "marco", "vic", "web", "relay", "backstage"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint(extend), { code: "42501" }, who);
    }
    for (const who of ["olive", "marco", "vic"] as const) { // who took the role themselves
      await actAs(tx, who);
      await tx`select set_config('role', 'wrenchline_dispatcher', true)`;
      await assert.rejects(tx.savepoint(extend), { code: "DNIED" }, who);
    }
    await actAs(tx, "dana");
    await extend(tx);

    await actAs(tx, "admin");
    await tx.raw(
      `create role ann login in role wrenchline_dba; set local session authorization ann`,
    );
    await extend(tx);
    await tx`insert into app.session_participants (session_id, user_id, role)
      select ${session}, id, 'mechanic' from auth.users where name = 'Nadia'`;
    assert.equal((await tx`select from api.waiting_sessions`).length, 2);
  }));

Deno.test("the views list who waits, who talks and what was paid for nothing", () =>
  onStage(async (tx, { session, other }) => {
    await actAs(tx, "dba");
    const ids = async (view: string) =>
      (await tx.raw(`select session_id from ${view}`)).rows.map((row) => row.session_id).sort();
    assert.deepEqual(await ids("waiting_sessions"), [session, other].sort());
    assert.deepEqual(
      await tx`select customer_email, vehicle, complaint, mechanics::int from waiting_sessions where session_id = ${session}`,
      [{
        customer_email: "olive@wrenchline.test",
        vehicle: "2009 Golf",
        complaint: "It shakes at 50",
        mechanics: 1,
      }],
    );
    await actAs(tx, "marco");
    await tx`select api.send_message(${session}, null, 'Hello')`;
    await actAs(tx, "dba");
    assert.deepEqual(await ids("waiting_sessions"), [other]);
    assert.deepEqual(await ids("live_sessions"), [session]);
    assert.deepEqual(
      await tx`select mechanics, last_message_at = (select max(created_at) from chat_messages) as is_talking
        from live_sessions`,
      [{ mechanics: "marco@wrenchline.test", is_talking: true }],
    );

    await actAs(tx, "admin");
    await tx`insert into app.checkouts (user_id, intake_id, plan, amount_cents, currency, status, session_id, settled_at)
      select user_id, id, 'chat10', 999, 'usd', 'paid', ${other}, now() from app.intakes`;
    await actAs(tx, "dba");
    assert.deepEqual(await ids("paid_unserved"), [other]);
    await tx`select assign_mechanic(${other}, 'nadia@wrenchline.test')`;
    assert.deepEqual(await ids("paid_unserved"), []);
  }));

Deno.test("present_wait() counts and names nobody", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    const [{ wait }] = await tx`select api.present_wait() as wait`;
    assert.deepEqual(wait, { waiting: 2, mechanicsOnDuty: 2 });
  }));
