import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

/** The setup guide's statement, as a DBA types it. */
function seat(tx: StageTx, session: string, user: string | null, role: string | null) {
  return tx`insert into session_participants (session_id, user_id, role)
    values (${session}, ${user}, ${role}) returning version`;
}

async function head(
  tx: StageTx,
  session: string,
): Promise<[version: number, participants: number]> {
  await actAs(tx, "admin");
  const [row] = await tx`select version::int, participants_version::int
    from private.session_versions where session_id = ${session}`;
  await actAs(tx, "dba");
  return [row.version as number, row.participants_version as number];
}

Deno.test("the guide's statements run as printed", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "dba");
    const [chat] = await tx
      .raw(
        `SELECT id, type, plan, status FROM sessions WHERE type = 'chat' ORDER BY created_at DESC LIMIT 1;`,
      )
      .then(({ rows }) => rows);
    assert.deepEqual(
      { ...chat, id: "" },
      { id: "", type: "chat", plan: "chat10", status: "waiting" },
    );
    const { rows } = await tx.raw(`SELECT id, email FROM auth.users LIMIT 5;`);
    assert.equal(rows.length, 5);
    const done = await tx.raw(
      `INSERT INTO session_participants (session_id, user_id, role) VALUES ('${session}', '${users.nadia}', 'mechanic');`,
    );
    assert.equal(done.rowCount, 1);
    await actAs(tx, "nadia");
    assert.equal((await tx`select from app.sessions where id = ${session}`).length, 1);
  }));

Deno.test("a seat by a DBA's plain INSERT raises the session's version, and the same one twice does not", () =>
  onStage(async (tx, { session, users }) => {
    const [before] = await head(tx, session);
    const [{ version }] = await seat(tx, session, users.nadia, "mechanic");
    assert.equal(Number(version), before + 1);
    assert.deepEqual(await head(tx, session), [before + 1, before + 1]);

    assert.deepEqual(await seat(tx, session, users.nadia, "mechanic"), []);
    assert.deepEqual(await head(tx, session), [before + 1, before + 1]);
  }));

Deno.test("a seat changed or taken away by plain UPDATE and DELETE raises the version too", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "admin"); // Dana observes, and then works with her hands
    await tx`insert into app.session_participants (session_id, user_id, role) values (${session}, ${users.dana}, 'observer')`;
    await tx`update auth.users set role = 'mechanic' where id = ${users.dana}`;
    const [before] = await head(tx, session);
    await tx`update session_participants set role = 'mechanic' where user_id = ${users.dana}`;
    assert.deepEqual(await head(tx, session), [before + 1, before + 1]);
    await tx`update session_participants set role = 'mechanic' where user_id = ${users.dana}`;
    assert.deepEqual(await head(tx, session), [before + 1, before + 1], "nothing changed");

    await tx`delete from session_participants where user_id = ${users.dana}`;
    assert.deepEqual(await head(tx, session), [before + 2, before + 2]);
    await tx`delete from session_participants where user_id = ${users.dana}`;
    assert.deepEqual(await head(tx, session), [before + 2, before + 2]);
  }));

Deno.test("a seat that cannot be given says why and what to do instead", () =>
  onStage(async (tx, { session, other, users }) => {
    await actAs(tx, "dba");
    const nobody = crypto.randomUUID();
    const cases: [string, string | null, string | null, object][] = [
      [nobody, users.nadia, "mechanic", {
        code: "NTFND",
        message: `There is no session ${nobody}`,
        hint: "See waiting_sessions and live_sessions.",
      }],
      [session, nobody, "mechanic", {
        code: "NTFND",
        message: `Cannot give a seat: there is no user ${nobody}`,
        hint: /from auth\.users/,
      }],
      [session, null, "mechanic", { code: "NTFND", hint: /from auth\.users/ }],
      [session, users.nadia, "mechanics", {
        code: "BADIN",
        message: 'Cannot give a seat: "mechanics" is not a role',
        hint: "A seat is customer, mechanic or observer.",
      }],
      [session, users.nadia, null, { code: "BADIN" }],
      [session, users.oscar, "mechanic", {
        code: "DNIED",
        message: "Cannot give a seat: oscar@wrenchline.test is not a mechanic",
        hint: /api\.create_mechanic/,
      }],
      [session, users.nadia, "observer", { code: "DNIED", hint: /dispatcher/ }],
      [other, users.nadia, "customer", { code: "DNIED", hint: /mechanic/ }],
      [session, users.oscar, "customer", {
        code: "ALRDY",
        message: `Cannot give a seat: session ${session} has its customer`,
        hint: /delete that seat first/,
      }],
      [session, users.olive, "mechanic", {
        code: "ALRDY",
        message: "Cannot give a seat: Olive already sits here as customer",
        hint: /Update the row's role/,
      }],
    ];
    for (const [id, user, role, refusal] of cases) {
      await assert.rejects(
        tx.savepoint((sp) => seat(sp, id, user, role)),
        refusal,
        `${user} ${role}`,
      );
    }
    await seat(tx, session, users.nadia, "mechanic");
    await seat(tx, session, users.dana, "observer");
    await tx`delete from session_participants where session_id = ${other}`;
    await seat(tx, other, users.olive, "customer");
  }));

Deno.test("a role that cannot be changed to says why", () =>
  onStage(async (tx, { other, users }) => {
    await actAs(tx, "dba");
    await seat(tx, other, users.marco, "mechanic");
    const change = (t: StageTx, user: string, role: string) =>
      t`update session_participants set role = ${role} where user_id = ${user}`;
    await assert.rejects(tx.savepoint((sp) => change(sp, users.marco, "customer")), {
      code: "DNIED",
    });
    await assert.rejects(tx.savepoint((sp) => change(sp, users.olive, "mechanic")), {
      code: "DNIED",
    });
    await assert.rejects(tx.savepoint((sp) => change(sp, users.olive, "owner")), {
      code: "BADIN",
    });
    await change(tx, users.olive, "customer"); // what it is already
  }));

Deno.test("nobody is seated in a session that is over, and those who sat may be put out", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "dba");
    await tx`select end_session(${session}, 'test')`;
    await assert.rejects(tx.savepoint((sp) => seat(sp, session, users.nadia, "mechanic")), {
      code: "ENDED",
      message: `Cannot give a seat: session ${session} is over`,
      hint: /waiting_sessions/,
    });
    assert.deepEqual(await seat(tx, session, users.marco, "mechanic"), [], "who sits there, sits");
    await tx`delete from session_participants where user_id = ${users.marco}`;
    await actAs(tx, "marco");
    assert.deepEqual(await tx`select from app.sessions`, []);
  }));

Deno.test("one statement seats and unseats many, each numbered in its own session", () =>
  onStage(async (tx, { session, other, users }) => {
    const before = [await head(tx, session), await head(tx, other)].map(([version]) => version);
    await tx`insert into session_participants (session_id, user_id, role)
      select s.id, u.id, 'mechanic' from sessions s, auth.users u where u.role = 'mechanic'`;
    // Marco sat in Olive's already.
    assert.deepEqual(
      [(await head(tx, session))[0], (await head(tx, other))[0]],
      [before[0] + 1, before[1] + 2],
    );
    await tx`delete from session_participants where role = 'mechanic'`;
    assert.deepEqual(
      [(await head(tx, session))[0], (await head(tx, other))[0]],
      [before[0] + 3, before[1] + 4],
    );
    await actAs(tx, "admin");
    assert.deepEqual(
      await tx`select user_id from app.session_participants order by user_id`,
      [{ user_id: users.olive }, { user_id: users.oscar }],
    );
  }));

Deno.test("a user who is deleted leaves their seats, and everybody is told", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "dba");
    await seat(tx, session, users.nadia, "mechanic");
    const [before] = await head(tx, session);
    await tx`delete from auth.users where id = ${users.nadia}`;
    assert.deepEqual(await head(tx, session), [before + 1, before + 1]);
  }));

Deno.test("a DBA speaks for a seat, and for nobody without one", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "dba");
    const say = (t: StageTx, sender: string) =>
      t`insert into chat_messages (session_id, sender_id, body) values (${session}, ${sender}, 'hello') returning version`;
    await assert.rejects(tx.savepoint((sp) => say(sp, users.nadia)), {
      code: "DNIED",
      hint: "Insert one into session_participants first.",
    });
    const [{ version }] = await say(tx, users.marco);
    assert.equal(Number(version), (await head(tx, session))[0] - 1, "and it is live since");
  }));
