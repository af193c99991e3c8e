import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";

async function tidy(tx: StageTx): Promise<void> {
  await actAs(tx, "backstage");
  await tx`select api.tidy()`;
  await actAs(tx, "admin");
}

Deno.test("tidy() deletes limits, codes, logins and kept mail whose time is over, and no others", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "admin");
    await tx.raw(`
      delete from auth.logins;
      insert into private.rate_limits (what, who, started_at) values
        ('old', '', now() - interval '25 hours'), ('new', '', now() - interval '23 hours');
      insert into auth.sign_in_codes (email, code_hash, link_hash, created_at) values
        ('old@wrenchline.test', 'a', 'a', now() - interval '25 hours'),
        ('new@wrenchline.test', 'b', 'b', now() - interval '23 hours');
      insert into private.mail (recipient, subject, body, sent_at) values
        ('old', '', '', now() - interval '8 days'), ('new', '', '', now() - interval '6 days');
      insert into auth.logins (proof_hash, user_id, expires_at, revoked_at) values
        (sha256('1'), '${users.olive}', now() - interval '31 days', null),
        (sha256('2'), '${users.olive}', now() + interval '1 day', now() - interval '31 days'),
        (sha256('3'), '${users.olive}', now() - interval '29 days', null),
        (sha256('4'), '${users.olive}', now() + interval '1 day', now() - interval '29 days'),
        (sha256('5'), '${users.olive}', now() + interval '1 day', null)`);
    for (const _again of [1, 2]) await tidy(tx);
    assert.deepEqual(await tx`select what from private.rate_limits`, [{ what: "new" }]);
    assert.deepEqual(await tx`select email from auth.sign_in_codes`, [
      { email: "new@wrenchline.test" },
    ]);
    assert.deepEqual(await tx`select recipient from private.mail`, [{ recipient: "new" }]);
    assert.deepEqual(
      await tx`select n from generate_series(1, 5) n
        where sha256(n::text::bytea) in (select proof_hash from auth.logins) order by n`,
      [{ n: 3 }, { n: 4 }, { n: 5 }],
    );
  }));

Deno.test("tidy() deletes guests who left nothing for thirty days, and nobody else", () =>
  onStage(async (tx) => {
    await actAs(tx, "admin");
    const guest = async (days: number, email: string | null = null): Promise<string> => {
      const [{ id }] = await tx<{ id: string }>`
        insert into auth.users (name, email, created_at)
        values ('Guest', ${email}, now() - make_interval(days => ${days})) returning id`;
      return id;
    };
    const gone = await guest(31);
    await tx`insert into auth.logins (proof_hash, user_id, expires_at) values
      (sha256('gone'), ${gone}, now() - interval '1 day')`;
    const young = await guest(29);
    const customer = await guest(400, "zoe@wrenchline.test");
    const [told, paid, seated, spoke, here] = await Promise.all(
      Array.from({ length: 5 }, () => guest(31)),
    );
    await tx`insert into app.intakes (user_id, vehicle) values (${told}, 'A van')`;
    await tx`insert into app.checkouts (user_id, intake_id, plan, amount_cents, currency)
      select ${paid}, id, 'chat10', 999, 'usd' from app.intakes where user_id = ${told}`;
    for (const id of [seated, spoke]) {
      const [{ id: session }] = await tx<{ id: string }>`
        insert into app.sessions (type, plan, length_minutes) values ('chat', 'chat10', 10) returning id`;
      await tx`insert into app.session_participants (session_id, user_id, role) values (${session}, ${id}, 'customer')`;
      await tx`insert into app.chat_messages (session_id, sender_id, body) select ${session}, ${id}, 'Hello' where ${id} = ${spoke}`;
    }
    await tx`delete from app.session_participants where user_id = ${spoke}`;
    await tx`insert into auth.logins (proof_hash, user_id) values (sha256('here'), ${here})`;

    const before = (await tx<{ id: string }>`select id from auth.users`).map(({ id }) => id);
    await tidy(tx);
    const left = (await tx<{ id: string }>`select id from auth.users`).map(({ id }) => id);
    assert.deepEqual(before.filter((id) => !left.includes(id)), [gone]);
    for (const id of [young, customer, told, paid, seated, spoke, here]) {
      assert.ok(left.includes(id));
    }
  }));

Deno.test("tidy() is backstage's", () =>
  onStage(async (tx) => {
    for (const who of ["olive", "dana", "vic", "relay", "dba"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => sp`select api.tidy()`), { code: "42501" }, who);
    }
    await tidy(tx);
  }));
