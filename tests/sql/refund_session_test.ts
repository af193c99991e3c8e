import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { jobs, onCopy } from "./backstage.ts";
import { checkoutOf, event, fulfil, open, SECRET, signed } from "./stripe.ts";

/** Olive pays for a chat, and is on the stage. */
async function bought(tx: StageTx, changes: object = {}): Promise<string> {
  await actAs(tx, "olive");
  const { sessionId } = await fulfil(tx, checkoutOf(await open(tx, "chat10"), changes));
  return sessionId!;
}

async function refund(tx: StageTx) {
  await actAs(tx, "admin");
  const [row] = await tx<{ id: string; status: string; stripe_id: string | null }>`
    select id, status, stripe_id from app.refunds order by created_at desc limit 1`;
  return row;
}

Deno.test("refund_session() ends the session and gives back what was paid, once", () =>
  onStage(async (tx) => {
    const id = await bought(tx, { amount_total: 500 }); // with a promotion code for half
    await actAs(tx, "dba");
    await tx`select refund_session(${id}, 'no mechanic came')`;
    await tx`select refund_session(${id}, 'no mechanic came')`;
    assert.deepEqual(
      await tx`select status, ended_reason, ended_at is not null as is_over from sessions where id = ${id}`,
      [{ status: "refunded", ended_reason: "no mechanic came", is_over: true }],
    );
    const due = await jobs(tx, "refund_payment");
    assert.equal(due.length, 1);
    await actAs(tx, "backstage");
    const [{ asked }] = await tx<{ asked: Record<string, unknown> }>`
      select api.due_refund(${due[0].refundId}) as asked`;
    assert.equal(asked.amountCents, 500);
    assert.match(String(asked.paymentIntent), /^pi_/);

    await actAs(tx, "admin");
    assert.deepEqual(await tx`select requested_by from app.refunds`, [
      { requested_by: "login wrenchline_dba" },
    ]);
    await actAs(tx, "olive");
    const [{ state }] = await tx<{ state: { status: string } }>`
      select api.checkout_state('cs_' || (select id from app.checkouts)) as state`;
    assert.equal(state.status, "refunded");
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.send_message(${id}, null, 'but')`),
      { code: "ENDED" },
    );
  }));

Deno.test("refund_session() also works after the session was ended, and keeps when that was", () =>
  onStage(async (tx) => {
    const id = await bought(tx);
    await actAs(tx, "admin");
    await tx`update app.sessions set created_at = now() - interval '2 hours' where id = ${id}`;
    await tx`update app.sessions set status = 'ended', ended_at = now() - interval '1 hour' where id = ${id}`;
    await actAs(tx, "dba");
    await tx`select refund_session(${id}, null)`;
    assert.deepEqual(
      await tx`select status, ended_at = now() - interval '1 hour' as kept from sessions where id = ${id}`,
      [{ status: "refunded", kept: true }],
    );
    await tx`select end_session(${id}, 'again')`; // must not bring it back
    assert.deepEqual(await tx`select status from sessions where id = ${id}`, [
      { status: "refunded" },
    ]);
  }));

Deno.test("refund_session() is for DBAs and dispatchers by login", () =>
  onStage(async (tx) => {
    const id = await bought(tx);
    const ask = (t: StageTx) => t`select api.refund_session(${id}, 'please')`;
    for (const who of ["olive", "marco", "vic", "relay", "backstage"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint(ask), { code: "42501" }, who);
    }
    await actAs(tx, "olive"); // who took the role herself
    await tx`select set_config('role', 'wrenchline_dispatcher', true)`;
    await assert.rejects(tx.savepoint(ask), { code: "DNIED" });
    await actAs(tx, "dba");
    await assert.rejects(
      tx.savepoint((sp) => sp`select refund_session(${crypto.randomUUID()}, '')`),
      { code: "NTFND", hint: /live_sessions/ },
    );
    await actAs(tx, "dana");
    await ask(tx);
  }));

Deno.test("refund_settled() follows Stripe's answer, and a late word never undoes a later one", () =>
  onStage(async (tx) => {
    const id = await bought(tx);
    await actAs(tx, "dba");
    await tx`select refund_session(${id}, 'test')`;
    const { id: refundId } = await refund(tx);
    const settle = async (status: string) => {
      await actAs(tx, "backstage");
      await tx`select api.refund_settled(${refundId}, 're_1', ${status})`;
      return (await refund(tx)).status;
    };
    assert.equal((await refund(tx)).status, "requested");
    assert.equal(await settle("pending"), "pending");
    assert.equal(await settle("succeeded"), "succeeded");
    assert.equal(await settle("pending"), "succeeded");
    assert.equal(await settle("failed"), "failed", "a bank may send it back");
    assert.equal(await settle("succeeded"), "failed");

    await actAs(tx, "dba"); // and then it can be tried again
    await tx`select refund_session(${id}, 'test')`;
    assert.equal((await jobs(tx, "refund_payment")).length, 2);
  }));

Deno.test("a refund event settles the refund it names, and leaves others' alone", () =>
  onStage(async (tx) => {
    const id = await bought(tx);
    await actAs(tx, "dba");
    await tx`select refund_session(${id}, 'test')`;
    const { id: refundId } = await refund(tx);
    await actAs(tx, "backstage");
    await tx`select api.configure_payments(${[SECRET]}, '{}')`;
    const tell = async (object: object) => {
      await actAs(tx, "vic");
      const [payload, signature] = signed(event("refund.updated", object));
      await tx`select api.receive_stripe_event(${payload}, ${signature})`;
      return await refund(tx);
    };
    assert.equal((await tell({ id: "re_9", status: "succeeded" })).status, "requested");
    assert.deepEqual(
      await tell({ id: "re_1", status: "succeeded", metadata: { refund_id: refundId } }),
      { id: refundId, status: "succeeded", stripe_id: "re_1" },
    );
    assert.equal((await tell({ id: "re_1", status: "failed" })).status, "failed");
  }));

Deno.test("two who refund a session at once give the money back once", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [olive, backstage] = [await hand("olive"), await hand("backstage")];
    const [left, right] = [await hand("dba"), await hand("dba")];
    await olive.raw("begin");
    const checkout = checkoutOf(await open(olive, "chat10"));
    await olive.raw("commit");
    const [{ said }] = await backstage<{ said: { sessionId: string } }>`
      select api.fulfil_checkout(${checkout}) as said`;

    await left.raw("begin");
    await left`select refund_session(${said.sessionId}, 'left')`;
    const second = right`select refund_session(${said.sessionId}, 'right')`;
    await isWaiting(right, second);
    await left.raw("commit");
    await second;
    const admin = await hand("admin");
    assert.deepEqual(await admin`select reason from app.refunds`, [{ reason: "left" }]);
  }));
