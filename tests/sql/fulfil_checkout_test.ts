import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { jobs, onCopy } from "./backstage.ts";
import { checkoutOf, fulfil, type Fulfilled, open } from "./stripe.ts";

async function sessionsOf(tx: StageTx, checkoutId: string) {
  await actAs(tx, "admin");
  return await tx`
    select s.id, s.type, s.plan, s.status, s.length_minutes
    from app.sessions s where s.metadata ->> 'checkout_id' = ${checkoutId}`;
}

async function statusOf(tx: StageTx, checkoutId: string): Promise<string> {
  await actAs(tx, "admin");
  const [{ status }] = await tx<{ status: string }>`
    select status from app.checkouts where id = ${checkoutId}`;
  return status;
}

Deno.test("fulfil_checkout() makes one session with the buyer in it, however often it is told", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "olive");
    await tx`select api.save_intake('1998 Astra', 'It smells')`;
    const opened = await open(tx, "chat10");
    const said = await fulfil(tx, checkoutOf(opened));
    assert.equal(said.outcome, "fulfilled");
    assert.deepEqual(await fulfil(tx, checkoutOf(opened)), {
      outcome: "repeated",
      sessionId: said.sessionId,
    });

    assert.deepEqual(await sessionsOf(tx, opened.checkoutId), [{
      id: said.sessionId,
      type: "chat",
      plan: "chat10",
      status: "waiting",
      length_minutes: 10,
    }]);
    assert.deepEqual(
      await tx`select user_id, role from app.session_participants where session_id = ${said.sessionId}`,
      [{ user_id: users.olive, role: "customer" }],
    );
    const [{ metadata }] = await tx<{ metadata: Record<string, unknown> }>`
      select metadata from app.sessions where id = ${said.sessionId}`;
    assert.deepEqual(metadata, {
      intake_id: opened.intakeId,
      customer_email: "payer@wrenchline.test",
      vehicle: "1998 Astra",
      complaint: "It smells",
      checkout_id: opened.checkoutId,
      stripe_checkout_id: `cs_${opened.checkoutId}`,
      amount_total: 999,
      currency: "usd",
      payment_status: "paid",
    });
    assert.deepEqual(await jobs(tx, "send_purchase_mail"), [{
      email: "payer@wrenchline.test",
      plan: "Quick Chat",
      route: `/chat/${said.sessionId}`,
    }]);

    await actAs(tx, "olive"); // and the draft is used up
    assert.deepEqual(await tx`select from app.intakes where session_id is null`, []);
    const [{ state }] = await tx<{ state: Record<string, unknown> }>`
      select api.checkout_state(${`cs_${opened.checkoutId}`}) as state`;
    assert.equal(state.status, "paid");
    assert.equal(state.route, `/chat/${said.sessionId}`);
  }));

Deno.test("fulfil_checkout() makes the type of session that the plan sells", () =>
  onStage(async (tx) => {
    for (const [plan, type] of [["video15", "video"], ["diagnostic", "diagnostic"]]) {
      await actAs(tx, "olive");
      const opened = await open(tx, plan);
      const { sessionId } = await fulfil(tx, checkoutOf(opened));
      assert.equal((await sessionsOf(tx, opened.checkoutId))[0].type, type);
      await actAs(tx, "olive");
      const [{ state }] = await tx<{ state: Record<string, unknown> }>`
        select api.checkout_state(${`cs_${opened.checkoutId}`}) as state`;
      assert.equal(state.route, `/thank-you?session=${sessionId}`);
    }
  }));

Deno.test("fulfil_checkout() keeps a price, an amount or a currency aside that is not the plan's", () =>
  onStage(async (tx) => {
    await actAs(tx, "backstage");
    await tx`select api.configure_payments('{whsec_x}', '{"chat10": "price_chat"}')`;
    const lineItems = (price: string, quantity = 1) => ({
      line_items: { data: [{ price: { id: price }, quantity }] },
    });
    const wrong = {
      "the amount is not the plan's": [{ amount_subtotal: 1 }, { amount_subtotal: null }],
      "the currency is not the plan's": [{ currency: "eur" }, { currency: null }],
      "the price is not the plan's": [
        lineItems("price_video"),
        lineItems("price_chat", 2),
        { line_items: { data: [] } },
        { line_items: null },
      ],
    };
    for (const [note, cases] of Object.entries(wrong)) {
      for (const changes of cases) {
        await actAs(tx, "olive");
        const opened = await open(tx, "chat10");
        const checkout = checkoutOf(opened, changes);
        for (const _again of [1, 2]) {
          assert.deepEqual(await fulfil(tx, checkout), { outcome: "kept_aside", note });
        }
        assert.equal(await statusOf(tx, opened.checkoutId), "refused");
        assert.deepEqual(await sessionsOf(tx, opened.checkoutId), []);
        await actAs(tx, "dba"); // where a person will see it
        assert.deepEqual(
          await tx`select checkout_status from paid_unserved where checkout_id = ${opened.checkoutId}`,
          [{ checkout_status: "refused" }],
        );
      }
    }
    await actAs(tx, "olive");
    const right = checkoutOf(await open(tx, "chat10"), lineItems("price_chat"));
    assert.equal((await fulfil(tx, right)).outcome, "fulfilled");
  }));

Deno.test("fulfil_checkout() takes the price of the moment the customer went to pay", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    await actAs(tx, "dba");
    await tx`update plans set price_cents = 1299 where id = 'chat10'`;
    assert.equal((await fulfil(tx, checkoutOf(opened))).outcome, "fulfilled");
  }));

Deno.test("fulfil_checkout() keeps aside what names no checkout of ours, or another at Stripe", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    for (const reference of [null, "", "not a uuid", crypto.randomUUID()]) {
      assert.deepEqual(await fulfil(tx, checkoutOf(opened, { client_reference_id: reference })), {
        outcome: "kept_aside",
        note: "no checkout of ours",
      });
    }
    await tx`select api.record_checkout(${opened.checkoutId}, 'cs_ours', 'https://pay.example/', now() + interval '1 hour')`;
    assert.deepEqual(await fulfil(tx, checkoutOf(opened, { id: "cs_other" })), {
      outcome: "kept_aside",
      note: "our checkout is another at Stripe",
    });
    assert.equal((await fulfil(tx, checkoutOf(opened, { id: "cs_ours" }))).outcome, "fulfilled");
  }));

Deno.test("fulfil_checkout() takes a promotion code for all of it, and then has nothing to give back", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const free = {
      amount_total: 0,
      payment_status: "no_payment_required",
      payment_intent: null,
    };
    const said = await fulfil(tx, checkoutOf(await open(tx, "chat10"), free));
    assert.equal(said.outcome, "fulfilled");
    await actAs(tx, "dba");
    await tx`select refund_session(${said.sessionId}, 'a promise')`;
    assert.deepEqual(await jobs(tx, "refund_payment"), []);
  }));

Deno.test("fulfil_checkout() waits for a delayed payment, which may succeed or fail later", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const slow = await open(tx, "chat10");
    const unpaid = { payment_status: "unpaid" };
    assert.deepEqual(await fulfil(tx, checkoutOf(slow, unpaid)), { outcome: "pending" });
    assert.equal(await statusOf(tx, slow.checkoutId), "pending");
    assert.deepEqual(await sessionsOf(tx, slow.checkoutId), []);
    assert.equal((await fulfil(tx, checkoutOf(slow))).outcome, "fulfilled");
    assert.equal((await fulfil(tx, checkoutOf(slow, unpaid))).outcome, "repeated", "out of order");

    await actAs(tx, "olive");
    const failing = await open(tx, "chat10");
    await fulfil(tx, checkoutOf(failing, unpaid));
    await tx`select api.close_checkout(${`cs_${failing.checkoutId}`}, 'failed')`;
    await fulfil(tx, checkoutOf(failing, unpaid));
    assert.equal(await statusOf(tx, failing.checkoutId), "failed", "and does not wait again");
    assert.deepEqual(await sessionsOf(tx, failing.checkoutId), []);
  }));

Deno.test("fulfil_checkout() makes nothing of a Checkout that is open, expired or says nothing of payment", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    const unpaid = { payment_status: "unpaid", status: "open" };
    assert.equal((await fulfil(tx, checkoutOf(opened, unpaid))).outcome, "stored");
    assert.equal(
      (await fulfil(tx, checkoutOf(opened, { payment_status: null, status: "open" }))).outcome,
      "stored",
    );
    await tx`select api.record_checkout(${opened.checkoutId}, ${`cs_${opened.checkoutId}`}, 'https://pay.example/', now() + interval '1 hour')`;
    const expired = { payment_status: "unpaid", status: "expired" };
    assert.deepEqual(await fulfil(tx, checkoutOf(opened, expired)), { outcome: "expired" });
    assert.deepEqual(await sessionsOf(tx, opened.checkoutId), []);
    assert.equal(await statusOf(tx, opened.checkoutId), "expired");
    // Paid in the last second, says Stripe: then it was paid.
    assert.equal((await fulfil(tx, checkoutOf(opened))).outcome, "fulfilled");
  }));

Deno.test("fulfil_checkout() gives the second payment for one intake back, once", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const chat = await open(tx, "chat10");
    const video = await open(tx, "video15"); // supersedes it, but the first tab pays all the same
    const { sessionId } = await fulfil(tx, checkoutOf(video));
    assert.deepEqual(await fulfil(tx, checkoutOf(chat)), {
      outcome: "duplicate_refunded",
      sessionId,
    });
    assert.equal((await fulfil(tx, checkoutOf(chat))).outcome, "repeated");
    const [{ refundId }, ...more] = await jobs(tx, "refund_payment");
    assert.deepEqual(more, []);
    await actAs(tx, "backstage");
    const [{ due }] = await tx`select api.due_refund(${refundId}) as due`;
    assert.deepEqual(due, {
      refundId,
      paymentIntent: `pi_${chat.checkoutId}`,
      amountCents: 999,
      reason: "duplicate",
      status: "requested",
    });
    await actAs(tx, "olive");
    const [{ state }] = await tx<{ state: Record<string, unknown> }>`
      select api.checkout_state(${`cs_${chat.checkoutId}`}) as state`;
    assert.deepEqual([state.status, state.isDuplicate, state.sessionId], ["paid", true, sessionId]);
  }));

Deno.test("fulfil_checkout() keeps aside the payment of somebody who came to work here meanwhile", () =>
  onStage(async (tx) => {
    await actAs(tx, "admin");
    await tx`delete from app.session_participants where role = 'customer'`;
    await actAs(tx, "oscar");
    const opened = await open(tx, "chat10");
    await actAs(tx, "dba");
    await tx`select create_mechanic('oscar@wrenchline.test', 'Oscar')`;
    assert.deepEqual(await fulfil(tx, checkoutOf(opened)), {
      outcome: "kept_aside",
      note: "the buyer works here",
    });
    assert.equal(await statusOf(tx, opened.checkoutId), "refused");
  }));

Deno.test("fulfil_checkout() is backstage's alone", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const checkout = checkoutOf(await open(tx, "chat10"));
    for (const who of ["olive", "dana", "vic", "web", "relay", "dba"] as const) {
      await actAs(tx, who);
      await assert.rejects(
        tx.savepoint((sp) => sp`select api.fulfil_checkout(${checkout})`),
        { code: "42501" },
        who,
      );
    }
    assert.equal((await fulfil(tx, checkout)).outcome, "fulfilled");
  }));

Deno.test("two fulfilments at once, of one Checkout or of one intake, make one session", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [olive, left, right] = [
      await hand("olive"),
      await hand("backstage"),
      await hand("backstage"),
    ];
    await olive.raw("begin");
    const chat = await open(olive, "chat10");
    const video = await open(olive, "video15");
    await olive.raw("commit");

    const told = async (by: typeof left, checkout: object) =>
      (await by<{ said: Fulfilled }>`select api.fulfil_checkout(${checkout}) as said`)[0].said;
    await left.raw("begin");
    const first = await told(left, checkoutOf(video));
    const second = told(right, checkoutOf(video));
    await isWaiting(right, second);
    await left.raw("commit");
    assert.deepEqual([first.outcome, (await second).outcome], ["fulfilled", "repeated"]);

    await left.raw("begin"); // the other tab's payment, told twice at once as well
    const third = await told(left, checkoutOf(chat));
    const fourth = told(right, checkoutOf(chat));
    await isWaiting(right, fourth);
    await left.raw("commit");
    assert.deepEqual([third.outcome, (await fourth).outcome], ["duplicate_refunded", "repeated"]);

    const admin = await hand("admin");
    assert.deepEqual(
      await admin`select count(*)::int as n from app.sessions where metadata ? 'checkout_id'`,
      [{ n: 1 }],
    );
    assert.deepEqual(await admin`select count(*)::int as n from app.refunds`, [{ n: 1 }]);
  }));
