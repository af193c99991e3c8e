import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

const ONCE = "20000000-0000-4000-8000-000000000001";

function send(tx: StageTx, session: string, body = "It shakes at 50", clientId = ONCE) {
  return tx<{ message: Record<string, unknown> }>`
    select api.send_message(${session}, ${clientId}, ${body}) as message`;
}

Deno.test("send_message() hides the session from a mechanic who is not in it", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "nadia");
    await assert.rejects(tx.savepoint((sp) => send(sp, session)), { code: "NTFND" });

    await actAs(tx, "marco"); // it was there to be found
    const [{ message }] = await send(tx, session);
    assert.equal(message.body, "It shakes at 50");
    assert.equal(message.senderName, "Marco");
    assert.equal(message.role, "mechanic");
  }));

Deno.test("send_message() stores a repeated client id once and answers with what it stored", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    const [first] = await send(tx, session);
    const [second] = await send(tx, session, "something else");
    assert.deepEqual(second.message, first.message);
    const [next] = await send(tx, session, "and then", crypto.randomUUID());
    assert.equal(
      next.message.version,
      Number(first.message.version) + 1,
      "no number is used up by a repeat",
    );
  }));

Deno.test("a plain insert by somebody without a seat is a row-level-security error", () =>
  onStage(async (tx, { session, users }) => {
    const insert = (t: StageTx, sender: string) =>
      t`insert into app.chat_messages (session_id, sender_id, body) values (${session}, ${sender}, 'hello')`;
    await actAs(tx, "oscar");
    await assert.rejects(tx.savepoint((sp) => insert(sp, users.oscar)), {
      code: "42501",
      message: /row-level security policy/,
    });
    await assert.rejects(tx.savepoint((sp) => insert(sp, users.olive)), {
      code: "42501",
      message: /row-level security policy/,
    }, "nor may he speak as Olive");

    await actAs(tx, "olive");
    await insert(tx, users.olive);
  }));

Deno.test("the mechanic's first message starts the session, and the customer's does not", () =>
  onStage(async (tx, { session }) => {
    const status = async () =>
      (await tx<{ status: string }>`select status from app.sessions where id = ${session}`)[0]
        .status;
    await actAs(tx, "olive");
    await send(tx, session);
    assert.equal(await status(), "waiting");
    await actAs(tx, "marco");
    await send(tx, session);
    assert.equal(await status(), "live");
  }));

Deno.test("send_message() slows everybody down after 600 messages in 10 seconds, and no plain insert", () =>
  onStage(async (tx, { session, users, other }) => {
    await actAs(tx, "dba");
    const insert = (count: number) =>
      tx`insert into chat_messages (session_id, sender_id, body)
        select ${session}, ${users.marco}, 'line ' || n from generate_series(1, ${count}::int) n`;
    await insert(599);
    await actAs(tx, "olive");
    await send(tx, session); // the 600th, and the mechanic's first has started it
    await actAs(tx, "dba");
    await insert(3);
    for (const who of ["olive", "marco"] as const) {
      await actAs(tx, who);
      const again = () => tx.savepoint((sp) => send(sp, session, "more", crypto.randomUUID()));
      await assert.rejects(again(), { code: "SLOWD" });
    }
    await actAs(tx, "oscar");
    await send(tx, other);

    await actAs(tx, "admin");
    await tx`update app.chat_messages set created_at = created_at - interval '10 seconds'`;
    await actAs(tx, "olive");
    await send(tx, session, "more", crypto.randomUUID());
  }));

Deno.test("send_message() refuses when the session is over, empty words and very long ones", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    await assert.rejects(tx.savepoint((sp) => send(sp, session, "  \n ")), { code: "BADIN" });
    await assert.rejects(tx.savepoint((sp) => send(sp, session, "x".repeat(4001))), {
      code: "TOOLG",
    });
    await send(tx, session, "x".repeat(4000));

    await actAs(tx, "dba");
    await tx`select api.end_session(${session}, 'test')`;
    await actAs(tx, "olive");
    await assert.rejects(tx.savepoint((sp) => send(sp, session, "late", crypto.randomUUID())), {
      code: "ENDED",
    });
  }));
