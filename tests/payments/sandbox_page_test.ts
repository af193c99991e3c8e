import assert from "node:assert/strict";
import type Stripe from "stripe";
import { GOOD_CARD, press, pressAndGo, quickChat, sandboxStage } from "./sandbox_stage.ts";

const SUCCESS = "http://shop.test/checkout/success?session_id=";

Deno.test("the pay page names what is bought, its price, its fields and the way back", async () => {
  await using stage = await sandboxStage();
  const { url } = await stage.stripe.checkout.sessions.create(
    quickChat(stage.sandbox, { customer_email: "olive@example.com" }),
  );
  const response = await fetch(url!);
  const page = await response.text();
  for (
    const said of [
      "Quick Chat",
      "$9.99",
      "Card number<input",
      "Expiry<input",
      "CVC<input",
      'value="olive@example.com"',
      'aria-label="Promotion code"',
      ">Pay</button>",
      "http://shop.test/start?plan=chat10",
    ]
  ) assert.ok(page.includes(said.replaceAll("&", "&#38;")), said);
  assert.equal((await fetch(new URL("/c/pay/cs_test_none", url!))).status, 404);
});

Deno.test("4242 pays: the webhook is told, then the buyer goes to success", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  assert.equal(await pressAndGo(url!, GOOD_CARD), `${SUCCESS}${id}`);

  const completed = events.find((event) => event.type === "checkout.session.completed")!;
  assert.equal(completed.object, "event");
  assert.equal(completed.livemode, false);
  assert.match(completed.id, /^evt_/);
  assert.ok(completed.api_version);
  const told = completed.data.object as Stripe.Checkout.Session;
  assert.equal(told.id, id);
  assert.equal(told.line_items, undefined);

  const paid = await stripe.checkout.sessions.retrieve(id, {
    expand: ["payment_intent.latest_charge"],
  });
  assert.equal(paid.status, "complete");
  assert.equal(paid.payment_status, "paid");
  assert.equal(paid.customer_details?.email, "olive@example.com");
  const intent = paid.payment_intent as Stripe.PaymentIntent;
  assert.equal(intent.status, "succeeded");
  const charge = intent.latest_charge as Stripe.Charge;
  assert.equal(charge.payment_method_details?.card?.last4, "4242");
  assert.match(await (await fetch(charge.receipt_url!)).text(), /Paid/);

  // Pressed again, or opened again: still one payment.
  assert.equal(await pressAndGo(url!, GOOD_CARD), `${SUCCESS}${id}`);
  assert.match(await (await fetch(url!)).text(), /already paid/);
  assert.equal((await stripe.charges.list()).data.length, 1);
});

Deno.test("what cannot be paid is refused with a reason, and the page stays", async (t) => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  for (
    const [what, fields, words] of [
      ["declined", { number: "4000000000000002" }, /Your card was declined/],
      ["no funds", { number: "4000000000009995" }, /insufficient funds/],
      ["a number that is none", { number: "4242424242424241" }, /is invalid/],
      ["half a number", { number: "4242" }, /number is incomplete/],
      ["a real card", { number: "4111111111111111" }, /test cards only/],
      ["an expiry in the past", { expiry: "01/20" }, /date is in the past/],
      ["month 13", { expiry: "13/40" }, /date is incomplete/],
      ["no CVC", { cvc: "" }, /security code is incomplete/],
      ["no address", { email: "olive" }, /email is incomplete/],
    ] as const
  ) {
    await t.step(what, async () => {
      const response = await press(url!, { ...GOOD_CARD, ...fields });
      assert.equal(response.status, 402);
      const page = await response.text();
      assert.match(page, /role="alert"/);
      assert.match(page, words);
      const session = await stripe.checkout.sessions.retrieve(id);
      assert.equal(session.status, "open");
    });
  }
  assert.equal(await pressAndGo(url!, GOOD_CARD), `${SUCCESS}${id}`);
});

Deno.test("3-D Secure: completed pays, failed stays", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  const card = { ...GOOD_CARD, number: "4000 0025 0000 3155" };

  const challenge = (await pressAndGo(url!, card))!;
  assert.match(
    await (await fetch(challenge)).text(),
    /Complete authentication.*Fail authentication/s,
  );
  const failed = await press(challenge, { action: "fail" });
  assert.match(await failed.text(), /unable to authenticate/);
  assert.equal((await stripe.checkout.sessions.retrieve(id)).status, "open");

  const again = (await pressAndGo(url!, card))!;
  assert.equal(
    await pressAndGo(again, { action: "complete" }),
    `${SUCCESS}${id}`,
  );
  const paid = await stripe.checkout.sessions.retrieve(id);
  assert.equal(paid.payment_status, "paid");
});

Deno.test("FREE100 leaves nothing to pay and makes no payment", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  const wrong = await press(url!, { action: "promotion", promotion: "FREE" });
  assert.match(await wrong.text(), /code is invalid/);

  await pressAndGo(url!, { action: "promotion", promotion: "free100" });
  assert.ok(!(await (await fetch(url!)).text()).includes("Card number"));
  const { email } = GOOD_CARD;
  assert.equal(
    await pressAndGo(url!, { action: "pay", email }),
    `${SUCCESS}${id}`,
  );

  const session = await stripe.checkout.sessions.retrieve(id);
  assert.equal(session.payment_status, "no_payment_required");
  assert.equal(session.amount_subtotal, 999);
  assert.equal(session.amount_total, 0);
  assert.equal(session.payment_intent, null);
});

Deno.test("a promotion code can be taken off, and is not offered where the shop does not allow it", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, { action: "promotion", promotion: "HALF50" });
  const half = await stripe.checkout.sessions.retrieve(id);
  assert.equal(half.amount_total, 499);
  await pressAndGo(url!, { action: "remove_promotion" });
  assert.equal(
    (await stripe.checkout.sessions.retrieve(id)).amount_total,
    999,
  );

  const strict = await stripe.checkout.sessions.create(
    quickChat(sandbox, { allow_promotion_codes: false }),
  );
  const refused = await press(strict.url!, {
    action: "promotion",
    promotion: "FREE100",
  });
  assert.ok(!(await refused.text()).includes("Promotion code"));
});

Deno.test("a bank transfer completes unpaid and settles later, either way", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  for (const outcome of ["succeeded", "failed"] as const) {
    const { id, url } = await stripe.checkout.sessions.create(
      quickChat(sandbox),
    );
    const { email } = GOOD_CARD;
    await pressAndGo(url!, { action: "pay", email, method: "bank" });
    const waiting = await stripe.checkout.sessions.retrieve(id);
    assert.equal(waiting.status, "complete");
    assert.equal(waiting.payment_status, "unpaid");

    await sandbox.settle(id, outcome);
    const settled = await stripe.checkout.sessions.retrieve(id);
    assert.equal(
      settled.payment_status,
      outcome === "succeeded" ? "paid" : "unpaid",
    );
    assert.ok(
      events.some((event) => event.type === `checkout.session.async_payment_${outcome}`),
    );
  }
});

Deno.test("a session for cards only offers no bank transfer", async () => {
  await using stage = await sandboxStage();
  const { url } = await stage.stripe.checkout.sessions.create(
    quickChat(stage.sandbox, { allowed_payment_method_types: ["card"] }),
  );
  assert.ok(!(await (await fetch(url!)).text()).includes("bank transfer"));
});
