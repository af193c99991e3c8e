import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

interface Page {
  participants: { name: string; role: string }[];
  messages: { body: string }[];
  version: number;
  viewerRole: string | null;
}

async function read(tx: StageTx, session: string): Promise<Page> {
  const [{ page }] = await tx<{ page: Page }>`select api.read_session(${session}, 'chat') as page`;
  return page;
}

Deno.test("read_session() is for a seat: running the shop is none, observing is one", () =>
  onStage(async (tx, { session, users }) => {
    for (const [who, code] of [["vic", "LOGIN"], ["nadia", "NTFND"], ["dana", "NTFND"]] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => read(sp, session)), { code });
    }
    assert.deepEqual(await tx`select (auth.my_session_head(${session})).version`, [
      { version: null },
    ]);
    assert.deepEqual(await tx`select api.participants_view(${session}) as seats`, [{ seats: [] }]);

    await actAs(tx, "dba");
    await tx`insert into session_participants (session_id, user_id, role) values (${session}, ${users.dana}, 'observer')`;
    for (
      const [who, role] of [["dana", "observer"], ["olive", "customer"], [
        "marco",
        "mechanic",
      ]] as const
    ) {
      await actAs(tx, who);
      const page = await read(tx, session);
      assert.equal(page.viewerRole, role);
      assert.deepEqual(page.participants.map(({ name }) => name), ["Olive", "Marco", "Dana"]);
    }
  }));

Deno.test("read_session() answers with the newest 1,000 messages, and the version they lead up to", () =>
  onStage(async (tx, { session, users }) => {
    await tx`insert into app.chat_messages (session_id, sender_id, body)
      select ${session}, ${users.olive}, 'line ' || n from generate_series(1, 1100) n`;
    await actAs(tx, "olive");
    const { messages, version } = await read(tx, session);
    assert.deepEqual(
      messages.map(({ body }) => body),
      Array.from({ length: 1000 }, (_, n) => `line ${n + 101}`),
    );
    const [{ page }] = await tx<
      { page: { to: number; messages?: unknown } }
    >`select api.messages_after(${session}, ${version}) as page`;
    assert.deepEqual([page.to, page.messages], [version, undefined]);
  }));
