import { strict as assert } from "node:assert";
import { type Player, proofOf } from "../support/cast.ts";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

interface Ask {
  session: string;
  after: number;
  proofs: string[];
}

interface Told {
  session: string;
  from: number;
  to: number;
  more: boolean;
  mayHear: string[];
  refused: { proof: string; code: number }[];
  changes: {
    messages?: { version: number; body: string; senderName: string }[];
    participants?: { name: string; role: string }[];
    session?: { status: string };
  };
}

/** Asks as the relay, and leaves it on the stage. */
async function deliver(tx: StageTx, ...asks: Ask[]): Promise<Told[]> {
  await actAs(tx, "relay");
  const [{ told }] = await tx<{ told: Told[] }>`select api.deliver(${
    JSON.stringify(asks)
  }) as told`;
  return told;
}

async function say(tx: StageTx, who: Player, session: string, body: string): Promise<void> {
  await actAs(tx, who);
  await tx`select api.send_message(${session}, null, ${body})`;
}

async function headOf(tx: StageTx, session: string): Promise<number> {
  await actAs(tx, "relay");
  const [row] = await tx<{ version: string }>`select version from api.heads(${[session]})`;
  return Number(row.version);
}

const [olive, marco, nadia, oscar] = (["olive", "marco", "nadia", "oscar"] as const).map(proofOf);

Deno.test("deliver() tells in one answer what changed and which proofs may hear it", () =>
  onStage(async (tx, { session }) => {
    const before = await headOf(tx, session);
    await say(tx, "olive", session, "It shakes");
    await actAs(tx, "admin");
    await tx`insert into auth.logins (proof_hash, user_id, expires_at)
      select sha256('expired'), user_id, now() from auth.logins where proof_hash = sha256(${marco}::bytea)`;
    const [told] = await deliver(tx, {
      session,
      after: before,
      proofs: [olive, nadia, "nobody's", marco, oscar, "expired"],
    });
    assert.deepEqual([...told.mayHear].sort(), [olive, marco].sort());
    assert.deepEqual(
      told.refused.map(({ proof, code }) => [proof, code]).sort(),
      [[nadia, 4403], [oscar, 4403], ["nobody's", 4401], ["expired", 4401]].sort(),
    );
    assert.deepEqual([told.session, told.from, told.to, told.more], [
      session,
      before,
      before + 1,
      false,
    ]);
    assert.deepEqual(
      told.changes.messages?.map(({ body, senderName, version }) => [body, senderName, version]),
      [
        ["It shakes", "Olive", before + 1],
      ],
    );
    assert.deepEqual(Object.keys(told.changes), ["messages"], "nothing that did not change");
  }));

Deno.test("deliver() tells of seats and of the session when those changed, and not when not", () =>
  onStage(async (tx, { session, users }) => {
    const before = await headOf(tx, session);
    await say(tx, "marco", session, "Hello"); // which starts it
    await actAs(tx, "dba");
    await tx`insert into session_participants (session_id, user_id, role) values (${session}, ${users.nadia}, 'mechanic')`;
    const [all] = await deliver(tx, { session, after: before, proofs: [olive] });
    assert.equal(all.changes.session?.status, "live");
    assert.deepEqual(all.changes.participants?.map(({ name }) => name), [
      "Olive",
      "Marco",
      "Nadia",
    ]);
    assert.equal(all.changes.messages?.length, 1);

    const [last] = await deliver(tx, { session, after: all.to - 1, proofs: [olive] });
    assert.deepEqual(Object.keys(last.changes), ["participants"]);
    const [none] = await deliver(tx, { session, after: all.to, proofs: [olive] });
    assert.deepEqual([none.to, none.changes], [all.to, {}]);
    const [ahead] = await deliver(tx, { session, after: all.to + 7, proofs: [olive] });
    assert.deepEqual([ahead.to, ahead.changes], [all.to + 7, {}], "nothing goes backwards");
  }));

Deno.test("deliver() ends what a proof may hear with its seat or its login, at the very next call", () =>
  onStage(async (tx, { session, users }) => {
    const after = await headOf(tx, session);
    const answer = async () => {
      const [{ mayHear, refused }] = await deliver(tx, { session, after, proofs: [olive, marco] });
      return { mayHear, refused };
    };
    assert.deepEqual((await answer()).refused, []);
    await actAs(tx, "dba");
    await tx`delete from session_participants where user_id = ${users.marco}`;
    assert.deepEqual(await answer(), { mayHear: [olive], refused: [{ proof: marco, code: 4403 }] });
    await actAs(tx, "olive");
    await tx`select api.sign_out()`;
    assert.deepEqual(await answer(), {
      mayHear: [],
      refused: [{ proof: olive, code: 4401 }, { proof: marco, code: 4403 }],
    });
  }));

Deno.test("deliver() reads nothing of a session for which it was given no live proof", () =>
  onStage(async (tx, { session }) => {
    const after = await headOf(tx, session);
    await say(tx, "olive", session, "It shakes");
    for (const proofs of [[], [nadia], ["nobody's"], [oscar, nadia]]) {
      const [told] = await deliver(tx, { session, after, proofs });
      assert.deepEqual([told.to, told.more, told.mayHear, told.changes], [after, false, [], {}]);
    }
    const [told] = await deliver(tx, { session, after, proofs: [oscar, olive] });
    assert.equal(told.changes.messages?.length, 1);
  }));

Deno.test("deliver() answers many asks in their order, strangers to one session and at home in another", () =>
  onStage(async (tx, { session, other }) => {
    const nowhere = crypto.randomUUID();
    await say(tx, "olive", session, "It shakes");
    await say(tx, "oscar", other, "It hums");
    const told = await deliver(
      tx,
      { session: other, after: 0, proofs: [oscar, olive] },
      { session: nowhere, after: 3, proofs: [olive] },
      { session, after: 0, proofs: [oscar, olive] },
      { session: other, after: 0, proofs: [] },
    );
    assert.deepEqual(told.map(({ session }) => session), [other, nowhere, session, other]);
    assert.deepEqual(told.map(({ mayHear }) => mayHear), [[oscar], [], [olive], []]);
    assert.deepEqual(told.map(({ changes }) => changes.messages?.[0].body), [
      "It hums",
      undefined,
      "It shakes",
      undefined,
    ]);
    assert.deepEqual(await deliver(tx), []);
  }));

Deno.test("deliver() and messages_after() hand out long histories 500 at a time, each message once", () =>
  onStage(async (tx, { session, users }) => {
    const after = await headOf(tx, session);
    await actAs(tx, "admin");
    await tx`insert into app.chat_messages (session_id, sender_id, body)
      select ${session}, ${users.olive}, 'message ' || n from generate_series(1, 1000) n`;
    await tx`update app.sessions set status = 'live', live_at = now() where id = ${session}`;

    async function follow(page: (from: number) => Promise<Pick<Told, "to" | "more" | "changes">>) {
      const bodies: string[] = [];
      const pages: [number, boolean, string?][] = [];
      for (let from = after, more = true; more;) {
        const told = await page(from);
        bodies.push(...(told.changes.messages ?? []).map(({ body }) => body));
        pages.push([told.to - from, told.more, told.changes.session?.status]);
        ({ to: from, more } = told);
      }
      assert.deepEqual(bodies, Array.from({ length: 1000 }, (_, n) => `message ${n + 1}`));
      return pages;
    }

    const expected = [[500, true, undefined], [500, true, undefined], [1, false, "live"]];
    const delivered = (from: number) => deliver(tx, { session, after: from, proofs: [olive] });
    assert.deepEqual(await follow(async (from) => (await delivered(from))[0]), expected);
    await actAs(tx, "olive");
    const read = (from: number) =>
      tx<
        { page: Pick<Told, "to" | "more"> & Told["changes"] }
      >`select api.messages_after(${session}, ${from}) as page`;
    assert.deepEqual(
      await follow(async (from) => {
        const [{ page: { to, more, ...changes } }] = await read(from);
        return { to, more, changes };
      }),
      expected,
    );
  }));

Deno.test("messages_after() is for those in the session, and says so alike for none and not yours", () =>
  onStage(async (tx, { session }) => {
    const read = (t: StageTx, id: string) => t`select api.messages_after(${id}, 0)`;
    for (const [who, code] of [["vic", "LOGIN"], ["nadia", "NTFND"], ["dana", "NTFND"]] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => read(sp, session)), { code });
      await assert.rejects(tx.savepoint((sp) => read(sp, crypto.randomUUID())), { code });
    }
    for (const who of ["olive", "marco"] as const) {
      await actAs(tx, who);
      assert.equal((await read(tx, session)).length, 1);
    }
  }));

Deno.test("heads() tells versions of the sessions it is asked for, and of nothing else", () =>
  onStage(async (tx, { session, other }) => {
    await actAs(tx, "relay");
    const heads = await tx`select session_id, version::int from api.heads(${[
      session,
      crypto.randomUUID(),
    ]})`;
    assert.deepEqual(heads, [{ session_id: session, version: 3 }]);
    await say(tx, "olive", session, "It shakes");
    assert.equal(await headOf(tx, session), 4);
    assert.equal(await headOf(tx, other), 2);
  }));
