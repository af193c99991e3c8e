import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { type Hand, onCopy } from "./backstage.ts";
import { SESSIONS, USERS } from "../support/cast.ts";

function signal(tx: StageTx | Hand, session: string, payload: unknown = { kind: "typing" }) {
  return tx`select api.signal(${session}, ${payload === null ? null : JSON.stringify(payload)})`;
}

Deno.test("signal() is for those who may speak in a session that is not over", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "dba");
    await tx`insert into session_participants (session_id, user_id, role) values (${session}, ${users.dana}, 'observer')`;
    for (const who of ["oscar", "nadia", "dana"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => signal(sp, session)), { code: "NTFND" }, who);
    }
    for (const who of ["vic", "relay", "dba"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => signal(sp, session)), { code: "42501" }, who);
    }
    for (const who of ["olive", "marco"] as const) {
      await actAs(tx, who);
      await signal(tx, session);
    }
    await actAs(tx, "dba");
    await tx`select end_session(${session}, 'test')`;
    await actAs(tx, "olive");
    await assert.rejects(tx.savepoint((sp) => signal(sp, session)), { code: "NTFND" });
  }));

Deno.test("signal() takes an object of less than 7,000 bytes, however few characters that is", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    for (const payload of [[], "typing", 1, null]) {
      await assert.rejects(tx.savepoint((sp) => signal(sp, session, payload)), { code: "BADIN" });
    }
    await assert.rejects(tx.savepoint((sp) => signal(sp, session, { note: "€".repeat(2_400) })), {
      code: "TOOLG",
    });
    await signal(tx, session, { note: "€".repeat(2_200) });
    await signal(tx, session, { note: "e".repeat(6_600) });
  }));

Deno.test("signal() rings once, says itself who it is from, and stores nothing", () =>
  onCopy(async ({ hand }) => {
    const relay = await hand("relay");
    const heard = await relay.bells("session_signal");
    const olive = await hand("olive");
    await olive.raw("begin");
    await signal(olive, SESSIONS.olives, {
      kind: "typing",
      from: USERS.marco,
      name: "Marco",
      session: "x",
    });
    await olive.raw("commit");
    assert.deepEqual((await heard()).map((bell) => JSON.parse(bell)), [
      { kind: "typing", from: USERS.olive, name: "Olive", session: SESSIONS.olives },
    ]);
    const [{ version }] = await relay`select version::int from api.heads(${[SESSIONS.olives]})`;
    assert.equal(version, 3, "as it was");
  }));

Deno.test("signal() works where nothing may be written", () =>
  onCopy(async ({ hand }) => {
    const olive = await hand("olive");
    await olive.raw("begin");
    await olive.raw("set transaction read only");
    await olive.raw("savepoint here");
    await assert.rejects(olive`select api.send_message(${SESSIONS.olives}, null, 'hello')`, {
      code: "25006",
    });
    await olive.raw("rollback to savepoint here");
    await signal(olive, SESSIONS.olives);
    await olive.raw("commit");
  }));
