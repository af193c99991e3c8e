import assert from "node:assert/strict";
import { refundPayment } from "@/lib/payments/refunds.ts";
import { startApp } from "../support/app.ts";
import { checkoutOf, eventually, goToPay, pay, stripeOf, type Trip } from "./buyer.ts";

Deno.test("refundPayment()", async (t) => {
  await using app = await startApp();
  const { sandbox } = app;
  const stripe = stripeOf(app);

  async function paidTrip(): Promise<Trip> {
    const trip = await goToPay(app.visitor());
    await pay(trip);
    await sandbox.idle();
    return trip;
  }

  /** A refund that no job knows of. */
  async function due(trip: Trip, amount = 999): Promise<string> {
    const { id } = await checkoutOf(app, trip);
    const [row] = await app.sql<{ id: string }>(
      `insert into app.refunds (checkout_id, amount_cents, reason, requested_by)
       values ($1, $2, 'test', 'test') returning id`,
      [id, amount],
    );
    return row.id;
  }

  async function statusOf(refundId: string): Promise<string> {
    const [row] = await app.sql<{ status: string }>(
      "select status from app.refunds where id = $1",
      [refundId],
    );
    return row.status;
  }

  /** What was said in the log while `act` went on. */
  async function heard(act: () => Promise<unknown>): Promise<string[]> {
    const said: string[] = [];
    const { error } = console;
    console.error = (line: string) => said.push(line);
    try {
      await act();
    } finally {
      console.error = error;
    }
    return said;
  }

  async function refundsOf(trip: Trip) {
    const paid = await stripe.checkout.sessions.retrieve(trip.stripeId);
    return (await stripe.refunds.list({ payment_intent: paid.payment_intent as string })).data;
  }

  await t.step("sends the money back once, however often it is called", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip, 400);
    await Promise.all([refundPayment(refundId), refundPayment(refundId)]);
    await refundPayment(refundId);
    const refunds = await refundsOf(trip);
    assert.deepEqual(refunds.map((refund) => refund.amount), [400]);
    assert.equal(refunds[0].metadata?.refund_id, refundId);
    assert.equal(await statusOf(refundId), "succeeded");
  });

  await t.step("throws when Stripe is away, and a later try finds what was done", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip);
    sandbox.faults.api({ statusAfter: 500 }, "POST /v1/refunds");
    sandbox.faults.api({ status: 500 }, "POST /v1/refunds", 2);
    await assert.rejects(refundPayment(refundId), { statusCode: 500 });
    await refundPayment(refundId);
    assert.equal((await refundsOf(trip)).length, 1);
    assert.equal(await statusOf(refundId), "succeeded");
  });

  await t.step("finds what was refunded after Stripe has forgotten the key", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip, 400);
    const paid = await stripe.checkout.sessions.retrieve(trip.stripeId);
    sandbox.faults.webhook("never", "refund.created");
    await stripe.refunds.create({
      payment_intent: paid.payment_intent as string,
      amount: 400,
      metadata: { refund_id: refundId },
    });
    assert.equal(await statusOf(refundId), "requested");
    await refundPayment(refundId);
    assert.deepEqual((await refundsOf(trip)).map((refund) => refund.amount), [400]);
    assert.equal(await statusOf(refundId), "succeeded");
  });

  await t.step("follows a refund that is pending and fails later", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip);
    sandbox.faults.refund("pending");
    await refundPayment(refundId);
    assert.equal(await statusOf(refundId), "pending");
    const [refund] = await refundsOf(trip);
    const said = await heard(() => sandbox.settleRefund(refund.id, "failed"));
    assert.equal(await statusOf(refundId), "failed");
    assert.deepEqual(said, [`refund ${refundId} failed`]);
  });

  await t.step("asks Stripe how a refund went whose word was lost", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip);
    sandbox.faults.refund("pending");
    await refundPayment(refundId);
    const [refund] = await refundsOf(trip);
    sandbox.faults.webhook("never", "refund.updated");
    await sandbox.settleRefund(refund.id, "succeeded");
    assert.equal(await statusOf(refundId), "pending");
    await refundPayment(refundId);
    assert.equal(await statusOf(refundId), "succeeded");
    assert.equal((await refundsOf(trip)).length, 1);
  });

  await t.step("says loudly that Stripe answered with a failed refund", async () => {
    const trip = await paidTrip();
    const refundId = await due(trip);
    sandbox.faults.refund("failed");
    sandbox.faults.webhook("never", "refund.created");
    const said = await heard(() => refundPayment(refundId));
    assert.equal(await statusOf(refundId), "failed");
    assert.match(said.join(), new RegExp(`refund ${refundId} failed: Stripe says`));
  });

  await t.step(
    "is done again for a refund that was given up, when the DBA asks again",
    async () => {
      const trip = await paidTrip();
      const { session_id } = await checkoutOf(app, trip);
      const refundId = await due(trip);
      await app.sql("select api.refund_session($1, 'nobody came')", [session_id]);
      await eventually(async () => await statusOf(refundId) === "succeeded");
      assert.deepEqual((await refundsOf(trip)).map((refund) => refund.amount), [999]);
    },
  );

  await t.step("notes as failed what Stripe refuses, and says so in the log", async () => {
    const trip = await paidTrip();
    const paid = await stripe.checkout.sessions.retrieve(trip.stripeId);
    await sandbox.dispute(paid.payment_intent as string);
    const refundId = await due(trip);
    const said = await heard(() => refundPayment(refundId));
    assert.equal(await statusOf(refundId), "failed");
    assert.match(said.join(), /has been charged back/);
  });
});
