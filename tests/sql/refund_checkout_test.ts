import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { jobs } from "./backstage.ts";
import { checkoutOf, event, fulfil, open, SECRET, signed } from "./stripe.ts";

/** Olive pays what is not the plan's price: the checkout is refused, and 1,500 cents are ours. */
async function refused(tx: StageTx): Promise<string> {
  await actAs(tx, "olive");
  const opened = await open(tx, "chat10");
  await fulfil(tx, checkoutOf(opened, { amount_subtotal: 1500, amount_total: 1500 }));
  return opened.checkoutId;
}

async function refund(tx: StageTx, checkoutId: string): Promise<void> {
  await actAs(tx, "dba");
  await tx`select refund_checkout(${checkoutId}, 'wrong price')`;
}

async function refundsOf(tx: StageTx, checkoutId: string) {
  await actAs(tx, "dba");
  return await tx<{ id: string; status: string }>`
    select id, status, amount_cents, requested_by from refunds
    where checkout_id = ${checkoutId} order by status`;
}

async function settle(tx: StageTx, refundId: string, status: string): Promise<void> {
  await actAs(tx, "backstage");
  await tx`select api.refund_settled(${refundId}, ${`re_${refundId}`}, ${status})`;
}

async function unserved(tx: StageTx, checkoutId: string) {
  await actAs(tx, "dba");
  return await tx`select checkout_status, refund_status, amount_cents from paid_unserved
    where checkout_id = ${checkoutId}`;
}

Deno.test("refund_checkout() gives back what was paid for no session, once", () =>
  onStage(async (tx) => {
    const id = await refused(tx);
    assert.deepEqual(await unserved(tx, id), [
      { checkout_status: "refused", refund_status: null, amount_cents: 1500 },
    ]);
    await refund(tx, id);
    await refund(tx, id);
    const [{ id: refundId, ...due }, ...others] = await refundsOf(tx, id);
    assert.deepEqual(due, {
      status: "requested",
      amount_cents: 1500,
      requested_by: "login wrenchline_dba",
    });
    assert.deepEqual(others, []);
    assert.deepEqual(await jobs(tx, "refund_payment"), [{ refundId }]);
    assert.deepEqual(await unserved(tx, id), [], "it is being seen to");

    await settle(tx, refundId, "succeeded");
    await refund(tx, id);
    assert.equal((await refundsOf(tx, id)).length, 1);
  }));

Deno.test("refund_checkout() gives a duplicate back, also when its first refund failed", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const first = await open(tx, "chat10");
    await fulfil(tx, checkoutOf(first, { payment_status: "unpaid" }));
    await actAs(tx, "olive");
    const second = await open(tx, "chat10");
    const { sessionId } = await fulfil(tx, checkoutOf(second));
    await fulfil(tx, checkoutOf(first));
    const [{ id: refundId }] = await refundsOf(tx, first.checkoutId);
    await settle(tx, refundId, "failed");
    await refund(tx, first.checkoutId);
    const found = await refundsOf(tx, first.checkoutId);
    assert.deepEqual(found.map(({ status }) => status), ["failed", "requested"]);
    assert.deepEqual(await tx`select status from sessions where id = ${sessionId}`, [
      { status: "waiting" },
    ]);
  }));

Deno.test("refund_checkout() says what to do instead where there is nothing for it to give back", () =>
  onStage(async (tx) => {
    const ask = (id: string) =>
      tx.savepoint(async (sp) => void await sp`select api.refund_checkout(${id}, 'please')`);
    const id = await refused(tx);
    await actAs(tx, "olive");
    const opened = await open(tx, "video15");
    await actAs(tx, "dba");
    await assert.rejects(ask(crypto.randomUUID()), { code: "NTFND", hint: /paid_unserved/ });
    await assert.rejects(ask(opened.checkoutId), { code: "BADIN", hint: /refused/ });

    const { sessionId } = await fulfil(tx, checkoutOf(opened));
    await actAs(tx, "dba");
    await assert.rejects(ask(opened.checkoutId), {
      code: "BADIN",
      hint: `select api.refund_session('${sessionId}', 'why')`,
    });
    await tx`select refund_session(${sessionId}, 'why')`;
    await ask(opened.checkoutId); // and again, if one likes
    assert.equal((await refundsOf(tx, opened.checkoutId)).length, 1);

    for (const who of ["olive", "marco", "vic", "relay", "backstage"] as const) {
      await actAs(tx, who);
      await assert.rejects(ask(id), { code: "42501" }, who);
    }
    await actAs(tx, "olive"); // who took the role herself
    await tx`select set_config('role', 'wrenchline_dispatcher', true)`;
    await assert.rejects(ask(id), { code: "DNIED" });
    await actAs(tx, "dana");
    await ask(id);
  }));

Deno.test("a refund whose job was given up is begun anew by asking again", () =>
  onStage(async (tx) => {
    const id = await refused(tx);
    await refund(tx, id);
    const waiting = async () => {
      await actAs(tx, "admin");
      return await tx`select j.payload ->> 'refundId' as refund, attempts
        from graphile_worker._private_jobs j where attempts < max_attempts`;
    };
    for (const status of ["requested", "pending"]) {
      await actAs(tx, "admin");
      await tx`update graphile_worker._private_jobs set attempts = max_attempts`;
      await tx`update app.refunds set status = ${status}`;
      assert.deepEqual(await waiting(), []);
      await refund(tx, id);
      const [{ id: refundId }] = await refundsOf(tx, id);
      assert.deepEqual(await waiting(), [{ refund: refundId, attempts: 0 }], status);
    }
    await actAs(tx, "admin");
    await tx`delete from graphile_worker._private_jobs`;
    await tx`update app.refunds set status = 'succeeded'`;
    await refund(tx, id);
    assert.deepEqual(await waiting(), [], "what went back goes back once");
  }));

Deno.test("paid_unserved lists refunds that failed, and those on their way for more than an hour", () =>
  onStage(async (tx) => {
    const id = await refused(tx);
    await refund(tx, id);
    const seen = async (status: string, minutes: number) => {
      await actAs(tx, "admin");
      await tx`update app.refunds set status = ${status}, created_at = now() - make_interval(mins => ${minutes})`;
      return (await unserved(tx, id)).map((row) => row.refund_status);
    };
    for (const status of ["requested", "pending"]) {
      assert.deepEqual(await seen(status, 59), []);
      assert.deepEqual(await seen(status, 61), [status]);
    }
    assert.deepEqual(await seen("succeeded", 61), []);
    assert.deepEqual(await seen("failed", 0), ["failed"]);
    await refund(tx, id); // tried again
    assert.deepEqual(await unserved(tx, id), []);
  }));

Deno.test("money that goes back buys no session, whatever Stripe tells again", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    await fulfil(tx, checkoutOf(opened, { amount_subtotal: 1500 }));
    await refund(tx, opened.checkoutId);
    assert.deepEqual(await fulfil(tx, checkoutOf(opened)), {
      outcome: "kept_aside",
      note: "this money goes back",
    });
    const [{ id: refundId }] = await refundsOf(tx, opened.checkoutId);
    await settle(tx, refundId, "failed");
    assert.equal((await fulfil(tx, checkoutOf(opened))).outcome, "fulfilled");
  }));

Deno.test("a refund that fails is news once, and one that is not ours is stored", () =>
  onStage(async (tx) => {
    const id = await refused(tx);
    await refund(tx, id);
    const [{ id: refundId }] = await refundsOf(tx, id);
    await actAs(tx, "backstage");
    await tx`select api.configure_payments(${[SECRET]}, '{}')`;
    const tell = async (status: string, metadata: object, stripeId = "re_1") => {
      await actAs(tx, "vic");
      const [payload, signature] = signed(
        event("refund.updated", { id: stripeId, status, metadata }),
      );
      const [{ said }] =
        await tx`select api.receive_stripe_event(${payload}, ${signature}) as said`;
      return said;
    };
    for (const metadata of [{}, { refund_id: "not a uuid" }, { refund_id: crypto.randomUUID() }]) {
      const said = await tell("failed", metadata, "re_9");
      assert.deepEqual(said, { outcome: "stored", note: "no refund of ours" });
    }
    assert.deepEqual(await tell("succeeded", { refund_id: refundId }), { outcome: "settled" });
    assert.deepEqual(await tell("failed", {}), {
      outcome: "refund_failed",
      note: `refund ${refundId} failed`,
    });
    assert.deepEqual(await tell("failed", { refund_id: refundId }), { outcome: "settled" });
    assert.deepEqual((await refundsOf(tx, id)).map(({ status }) => status), ["failed"]);
  }));
