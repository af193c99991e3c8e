import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { type Hand, jobs, onCopy } from "./backstage.ts";
import { checkoutOf, event, fulfil, type Fulfilled, open, SECRET, signed } from "./stripe.ts";

/** As the route does it: a visitor hands in what came. */
async function receive(tx: StageTx | Hand, [payload, signature]: [string | null, string | null]) {
  const [{ said }] = await tx<{ said: Fulfilled }>`
    select api.receive_stripe_event(${payload}, ${signature}) as said`;
  return said;
}

async function configure(tx: StageTx, ...secrets: string[]) {
  await actAs(tx, "backstage");
  await tx`select api.configure_payments(${secrets}, '{}')`;
  await actAs(tx, "vic");
}

async function stored(tx: StageTx) {
  await actAs(tx, "admin");
  const rows = await tx`select id, type, outcome, note from private.stripe_events order by id`;
  await actAs(tx, "vic");
  return rows;
}

Deno.test("receive_stripe_event() believes a signature of ours, and none that is wrong, old, tampered or missing", () =>
  onStage(async (tx) => {
    await configure(tx, SECRET);
    const ping = event("ping", {}, "evt_1");
    const [payload, signature] = signed(ping);
    const v1 = signature.split("v1=")[1];
    const wrong: [string | null, string | null][] = [
      signed(ping, { secret: "whsec_other" }),
      signed(ping, { secret: "" }),
      signed(ping, { age: 301 }),
      signed(ping, { age: -302 }),
      [payload.replace("ping", "pong"), signature],
      [payload + " ", signature],
      [payload, signature.replace(/^t=\d+/, `t=${Math.floor(Date.now() / 1000) - 1}`)],
      [payload, signature.replace(/^t=\d+,/, "")],
      [payload, signature.replace("v1=", "v0=")],
      [payload, signature.replace(v1, v1.slice(0, 62))],
      [payload, signature.replace(v1, "zz".repeat(32))],
      [payload, ""],
      [payload, null],
      [null, signature],
    ];
    for (const [body, header] of wrong) {
      await assert.rejects(
        tx.savepoint((sp) => receive(sp, [body, header])),
        { code: "SIGNT" },
        `${header}`,
      );
    }
    assert.deepEqual(await stored(tx), []);

    assert.deepEqual(await receive(tx, [payload, signature]), { outcome: "stored" });
    assert.equal((await receive(tx, signed(event("ping", {}), { age: 290 }))).outcome, "stored");
    // Stripe signs with every active secret while one is being rolled.
    const [other, both] = signed(event("ping", {}));
    const rolled = both.replace(",v1=", `,v1=${"0".repeat(64)},v1=`) + ",v0=abc";
    assert.equal((await receive(tx, [other, rolled])).outcome, "stored");
  }));

Deno.test("receive_stripe_event() believes no signature while no secret is configured", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    for (const secret of ["", SECRET]) {
      await assert.rejects(
        tx.savepoint((sp) => receive(sp, signed(event("ping", {}), { secret }))),
        { code: "SIGNT" },
      );
    }
    await configure(tx, SECRET);
    await receive(tx, signed(event("ping", {})));
  }));

Deno.test("configure_payments() takes two secrets while they are rotated, and forgets the old one after", () =>
  onStage(async (tx) => {
    const works = async (secret: string) => {
      await actAs(tx, "vic");
      return await tx.savepoint((sp) => receive(sp, signed(event("ping", {}), { secret })))
        .then(() => true, () => false);
    };
    await configure(tx, "whsec_old");
    assert.deepEqual([await works("whsec_old"), await works("whsec_new")], [true, false]);
    await configure(tx, "whsec_old", "whsec_new");
    await configure(tx, "whsec_old", "whsec_new");
    assert.deepEqual([await works("whsec_old"), await works("whsec_new")], [true, true]);
    await configure(tx, "whsec_new");
    assert.deepEqual([await works("whsec_old"), await works("whsec_new")], [false, true]);
  }));

Deno.test("configure_payments() follows prices that change, also when two plans swap theirs", () =>
  onStage(async (tx) => {
    for (
      const prices of [
        { chat10: "price_a", video15: "price_b" },
        { chat10: "price_a", video15: "price_b" },
        { chat10: "price_b", video15: "price_a" },
      ]
    ) {
      await actAs(tx, "backstage");
      await tx`select api.configure_payments('{whsec_x}', ${prices})`;
      await actAs(tx, "admin");
      const [{ stored }] = await tx`
        select jsonb_object_agg(plan, price_id) as stored from private.stripe_prices`;
      assert.deepEqual(stored, prices);
    }
  }));

Deno.test("receive_stripe_event() acts on an event once, and stores those it does not know", () =>
  onStage(async (tx) => {
    await configure(tx, SECRET);
    await actAs(tx, "olive");
    const checkout = checkoutOf(await open(tx, "chat10"));
    await actAs(tx, "vic");
    const paid = signed(event("checkout.session.completed", checkout, "evt_1"));
    const { outcome, sessionId } = await receive(tx, paid);
    assert.equal(outcome, "fulfilled");
    assert.deepEqual(await receive(tx, paid), { outcome: "repeated" });
    assert.deepEqual(
      await receive(tx, signed(event("checkout.session.completed", checkout, "evt_2"))),
      { outcome: "repeated", sessionId },
      "another event about the same Checkout",
    );
    await receive(tx, signed(event("customer.created", { id: "cus_1" }, "evt_3")));
    assert.deepEqual(await stored(tx), [
      { id: "evt_1", type: "checkout.session.completed", outcome: "fulfilled", note: null },
      { id: "evt_2", type: "checkout.session.completed", outcome: "repeated", note: null },
      { id: "evt_3", type: "customer.created", outcome: "stored", note: null },
    ]);
    assert.equal((await fulfil(tx, checkout)).outcome, "repeated", "the success page comes later");
  }));

Deno.test("receive_stripe_event() follows every outcome of a Checkout", () =>
  onStage(async (tx) => {
    await configure(tx, SECRET);
    const told = async (type: string, plan: string, changes: object = {}) => {
      await actAs(tx, "olive");
      const opened = await open(tx, plan);
      await actAs(tx, "backstage");
      await tx`select api.record_checkout(${opened.checkoutId}, ${`cs_${opened.checkoutId}`}, 'https://pay.example/', now() + interval '1 hour')`;
      await actAs(tx, "vic");
      const { outcome } = await receive(tx, signed(event(type, checkoutOf(opened, changes))));
      await actAs(tx, "olive");
      const [{ status }] = await tx<{ status: string }>`
        select status from app.checkouts where id = ${opened.checkoutId}`;
      return [outcome, status];
    };
    const completed = "checkout.session.completed";
    assert.deepEqual(await told("checkout.session.expired", "chat10"), ["expired", "expired"]);
    assert.deepEqual(await told("checkout.session.async_payment_failed", "chat10"), [
      "failed",
      "failed",
    ]);
    assert.deepEqual(await told(completed, "chat10", { amount_subtotal: 1 }), [
      "kept_aside",
      "refused",
    ]);
    assert.deepEqual(await told(completed, "chat10", { payment_status: "unpaid" }), [
      "pending",
      "pending",
    ]);
    assert.deepEqual(await told("checkout.session.async_payment_succeeded", "chat10"), [
      "fulfilled",
      "paid",
    ]);
    const notes = (await stored(tx)).filter((row) => row.outcome === "kept_aside");
    assert.deepEqual(notes.map((row) => row.note), ["the amount is not the plan's"]);
  }));

Deno.test("receive_stripe_event() stores no event whose effect failed, so that Stripe tells it again", () =>
  onStage(async (tx) => {
    await configure(tx, SECRET);
    const broken = event("checkout.session.completed", {}, "evt_1");
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    broken.data.object = checkoutOf(opened, { amount_subtotal: "nine ninety-nine" });
    await actAs(tx, "vic");
    await assert.rejects(tx.savepoint((sp) => receive(sp, signed(broken))), { code: "22P02" });
    assert.deepEqual(await stored(tx), []);
    broken.data.object = checkoutOf(opened);
    assert.equal((await receive(tx, signed(broken))).outcome, "fulfilled");
  }));

Deno.test("receive_stripe_event() keeps the receipt's address for the buyer", () =>
  onStage(async (tx) => {
    await configure(tx, SECRET);
    await actAs(tx, "olive");
    const opened = await open(tx, "chat10");
    await fulfil(tx, checkoutOf(opened));
    await actAs(tx, "vic");
    await receive(
      tx,
      signed(event("charge.updated", {
        payment_intent: `pi_${opened.checkoutId}`,
        receipt_url: "https://receipts.example/1",
      })),
    );
    await actAs(tx, "olive");
    assert.deepEqual(await tx`select receipt_url from app.checkouts`, [
      { receipt_url: "https://receipts.example/1" },
    ]);
    assert.equal((await jobs(tx, "refund_payment")).length, 0);
  }));

Deno.test("one event delivered twice at once, and two events of one Checkout: one session", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [admin, olive] = [await hand("admin"), await hand("olive")];
    const [left, right] = [await hand("vic"), await hand("vic")];
    await admin`select api.configure_payments(${[SECRET]}, '{}')`;
    for (const sameEvent of [true, false]) {
      await olive.raw("begin");
      const checkout = checkoutOf(await open(olive, "chat10"));
      await olive.raw("commit");
      const first = event("checkout.session.completed", checkout);
      const second = sameEvent ? first : { ...first, id: "evt_another" };
      await left.raw("begin");
      await right.raw("begin");
      const told = await receive(left, signed(first));
      const waiting = receive(right, signed(second));
      await isWaiting(right, waiting);
      await left.raw("commit");
      assert.deepEqual([told.outcome, (await waiting).outcome], ["fulfilled", "repeated"]);
      await right.raw("commit");
    }
    assert.deepEqual(
      await admin`select count(*)::int as n from app.sessions where metadata ? 'checkout_id'`,
      [{ n: 2 }],
    );
  }));
