/** The order of changes: one counter a session, gapless and in commit order. Here things commit. */
import { strict as assert } from "node:assert";
import { SESSIONS, USERS } from "../support/cast.ts";
import { actAs, onStage } from "../support/stage.ts";
import { type Hand, onCopy } from "./backstage.ts";

const { olives, oscars } = SESSIONS;

async function say(hand: Hand, body: string, clientId: string | null = null) {
  const [{ message }] = await hand<{ message: { id: string; version: number } }>`
    select api.send_message(${olives}, ${clientId}, ${body}) as message`;
  return message;
}

async function history(admin: Hand, session = olives): Promise<[number, string][]> {
  const rows = await admin<{ version: number; body: string }>`
    select version::int, body from app.chat_messages where session_id = ${session} order by version`;
  return rows.map(({ version, body }) => [version, body]);
}

async function head(admin: Hand, session = olives): Promise<number> {
  return (await admin<{ version: number }>`
    select version::int from private.session_versions where session_id = ${session}`)[0].version;
}

Deno.test("who sends second waits, and is numbered after the first, also when the first is slow", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [olive, marco, admin] = [await hand("olive"), await hand("marco"), await hand("admin")];
    const before = await head(admin);
    await olive.raw("begin");
    await marco.raw("begin");
    await say(olive, "first");
    const second = say(marco, "second");
    await isWaiting(marco, second);
    assert.deepEqual(await history(admin), [], "nobody sees a later number before an earlier one");
    await olive.raw("commit");
    assert.equal((await second).version, before + 2);
    await marco.raw("commit");
    assert.deepEqual(await history(admin), [[before + 1, "first"], [before + 2, "second"]]);
    assert.equal(await head(admin), before + 3, "and the session is live");
  }));

Deno.test("a send that is rolled back uses up no number, although another waited for it", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [olive, marco, admin] = [await hand("olive"), await hand("marco"), await hand("admin")];
    const before = await head(admin);
    await olive.raw("begin");
    await say(olive, "never mind");
    await marco.raw("begin");
    const second = say(marco, "second");
    await isWaiting(marco, second);
    await olive.raw("rollback");
    await second;
    await marco.raw("commit");
    assert.deepEqual(await history(admin), [[before + 1, "second"]]);
  }));

Deno.test("sessions do not wait for each other", () =>
  onCopy(async ({ hand }) => {
    const [olive, oscar] = [await hand("olive"), await hand("oscar")];
    await olive.raw("begin");
    await say(olive, "first");
    await oscar.raw("begin");
    await oscar`select api.send_message(${oscars}, null, 'meanwhile')`;
    await oscar.raw("commit");
    await olive.raw("commit");
  }));

Deno.test("a stranger is refused at once and waits for nobody, so that nobody waits for them", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [oscar, olive, marco] = [await hand("oscar"), await hand("olive"), await hand("marco")];
    const clientId = crypto.randomUUID();
    await olive.raw("begin");
    await say(olive, "hello", clientId);
    await olive.raw("commit");

    await olive.raw("begin");
    await say(olive, "and");
    for (const sender of [USERS.oscar, USERS.olive]) {
      await oscar.raw("begin");
      await oscar.raw("set local lock_timeout = '1ms'");
      await assert.rejects(
        oscar`insert into app.chat_messages (session_id, sender_id, client_id, body)
          values (${olives}, ${sender}, ${clientId}, 'x')`,
        { code: "42501", message: /row-level security/ },
      );
      await oscar.raw("rollback");
    }
    await marco.raw("begin"); // who sits there waits
    const next = say(marco, "yes?");
    await isWaiting(marco, next);
    await olive.raw("commit");
    await next;
    await marco.raw("commit");
  }));

Deno.test("a message on its way when its sender is put out is refused, and one before that stays", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [dba, marco, admin] = [await hand("dba"), await hand("marco"), await hand("admin")];
    await marco.raw("begin");
    await say(marco, "in time");
    await marco.raw("commit");
    const before = await head(admin);

    await dba.raw("begin");
    await dba`delete from session_participants where user_id = ${USERS.marco}`;
    await marco.raw("begin");
    const late = say(marco, "too late");
    await isWaiting(marco, late);
    await dba.raw("commit");
    await assert.rejects(late, { code: "DNIED" });
    await marco.raw("rollback");
    assert.deepEqual((await history(admin)).map(([, body]) => body), ["in time"]);
    assert.equal(await head(admin), before + 1, "the seat that is gone, and nothing else");
  }));

Deno.test("whoever is put out while they send is told so after what they said", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [dba, marco, admin] = [await hand("dba"), await hand("marco"), await hand("admin")];
    await marco.raw("begin");
    const { version } = await say(marco, "in flight");
    const leaving = dba`select unassign_mechanic(${olives}, 'marco@wrenchline.test')`;
    await isWaiting(dba, leaving);
    await marco.raw("commit");
    await leaving;
    const [{ left }] = await admin`
      select participants_version::int as left from private.session_versions where session_id = ${olives}`;
    assert.ok(left as number > version);
    assert.equal(left, await head(admin));
  }));

Deno.test("a message on its way when the session ends is refused", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [dba, olive] = [await hand("dba"), await hand("olive")];
    await dba.raw("begin");
    await dba`select end_session(${olives}, 'test')`;
    await olive.raw("begin");
    const late = say(olive, "too late");
    await isWaiting(olive, late);
    await dba.raw("commit");
    await assert.rejects(late, { code: "ENDED" });
    await olive.raw("rollback");
  }));

Deno.test("one client id sent twice at the same moment is one message, and both get it", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [tab, twin, admin] = [await hand("olive"), await hand("olive"), await hand("admin")];
    const clientId = crypto.randomUUID();
    await tab.raw("begin");
    await twin.raw("begin");
    const first = await say(tab, "once", clientId);
    const again = say(twin, "once", clientId);
    await isWaiting(twin, again);
    await tab.raw("commit");
    assert.deepEqual(await again, first);
    await twin.raw("commit");
    assert.deepEqual(await history(admin), [[first.version, "once"]]);
    assert.equal(await head(admin), first.version);
  }));

Deno.test("a bulk INSERT is numbered row by row and rings once for each session", () =>
  onCopy(async ({ hand }) => {
    const [dba, relay, admin] = [await hand("dba"), await hand("relay"), await hand("admin")];
    const [before, others] = [await head(admin), await head(admin, oscars)];
    const rang = await relay.bells("session_changed");
    await dba`insert into chat_messages (session_id, sender_id, body)
      select p.session_id, p.user_id, 'message ' || n from session_participants p, generate_series(1, 50) n
      where p.role = 'customer' order by n`;
    assert.deepEqual(
      await history(admin),
      Array.from({ length: 50 }, (_, n) => [before + 1 + n, `message ${n + 1}`]),
    );
    assert.equal(await head(admin, oscars), others + 50);
    assert.deepEqual((await rang()).sort(), [olives, oscars], "with the id and nothing else");
  }));

Deno.test("TRUNCATE is refused for what people see, and row by row is the way", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "admin");
    for (
      const tables of [
        "app.chat_messages",
        "app.session_participants",
        "app.sessions cascade",
        "private.session_versions",
      ]
    ) {
      await assert.rejects(tx.savepoint((sp) => sp.raw(`truncate ${tables}`)), {
        code: "DNIED",
        hint: /Delete the rows instead/,
      }, tables);
    }
    await tx`delete from app.session_participants where session_id = ${session}`;
    await tx`delete from app.sessions`;
    assert.deepEqual(await tx`select from private.session_versions`, []);
  }));

Deno.test("where session_replication_role is replica, changes are numbered, checked and ring all the same", () =>
  onCopy(async ({ hand }) => {
    const [admin, relay] = [await hand("admin"), await hand("relay")];
    const before = await head(admin);
    const rang = await relay.bells("session_changed");
    await admin.raw("set session_replication_role = replica");
    await admin`insert into app.chat_messages (session_id, sender_id, body) values (${olives}, ${USERS.olive}, 'restored')`;
    assert.deepEqual(await history(admin), [[before + 1, "restored"]]);
    assert.deepEqual(await rang(), [olives]);
    await assert.rejects(
      admin`insert into app.chat_messages (session_id, sender_id, body) values (${olives}, ${USERS.nadia}, 'from no seat')`,
      { code: "DNIED" },
    );
    await admin`delete from app.session_participants where user_id = ${USERS.marco}`;
    assert.equal(await head(admin), before + 2);
    assert.deepEqual(await rang(), [olives]);
    await admin`update auth.logins set revoked_at = now() where user_id = ${USERS.olive}`;
    assert.deepEqual(await rang(), [olives], "so that open sockets are found out");
  }));

Deno.test("anybody may ring the bell, which says an id and gives nothing away", () =>
  onCopy(async ({ hand }) => {
    const [vic, olive, admin] = [await hand("vic"), await hand("olive"), await hand("admin")];
    const rang = await vic.bells("session_changed"); // listening needs no privilege, in any Postgres
    await olive.raw("begin");
    await say(olive, "something private");
    await olive.raw("commit");
    assert.deepEqual(await rang(), [olives]);
    const before = await head(admin);
    await vic.raw(`notify session_changed, '${olives}'`);
    assert.equal(await head(admin), before);
  }));

Deno.test("a login that ends, in whatever way, rings for the sessions its user has open", () =>
  onCopy(async ({ hand }) => {
    const [olive, dba, relay] = [await hand("olive"), await hand("dba"), await hand("relay")];
    const rang = await relay.bells("session_changed");
    await olive.raw("begin");
    await olive`select api.sign_out()`;
    await olive.raw("commit");
    assert.deepEqual(await rang(), [olives]);
    await dba`update auth.logins set expires_at = now() where user_id = ${USERS.marco}`;
    assert.deepEqual(await rang(), [olives]);
    await dba`delete from auth.logins where user_id = ${USERS.oscar}`;
    assert.deepEqual(await rang(), [oscars]);
    await dba`delete from auth.logins where user_id = ${USERS.nadia}`;
    assert.deepEqual(await rang(), [], "she sits nowhere");
  }));
