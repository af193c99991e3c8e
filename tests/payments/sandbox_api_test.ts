import assert from "node:assert/strict";
import Stripe from "stripe";
import { GOOD_CARD, pressAndGo, quickChat, sandboxStage, sdk } from "./sandbox_stage.ts";

Deno.test("the sandbox sells the three plans at their prices", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;

  const amounts = [];
  for (const id of Object.values(sandbox.prices)) {
    const price = await stripe.prices.retrieve(id);
    amounts.push([price.unit_amount, price.currency]);
  }
  assert.deepEqual(amounts, [[999, "usd"], [2999, "usd"], [4999, "usd"]]);
});

Deno.test("a Checkout Session is created open and unpaid, without a payment intent", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;

  const session = await stripe.checkout.sessions.create(
    quickChat(sandbox, {
      client_reference_id: "checkout-1",
      metadata: { plan: "chat10", "odd key": "ünïcode & more" },
    }),
  );
  assert.match(session.id, /^cs_test_\w{58}$/);
  assert.equal(session.status, "open");
  assert.equal(session.payment_status, "unpaid");
  assert.equal(session.payment_intent, null);
  assert.equal(session.amount_subtotal, 999);
  assert.equal(session.client_reference_id, "checkout-1");
  assert.deepEqual(session.metadata, {
    plan: "chat10",
    "odd key": "ünïcode & more",
  });
  assert.ok(session.url?.startsWith(sandbox.host.href));
  assert.match(session.lastResponse.requestId, /^req_/);
  assert.equal(session.line_items, undefined);

  const again = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ["line_items", "line_items.data.price.product", "payment_intent"],
  });
  assert.equal(again.line_items?.data[0].price?.id, sandbox.prices.chat10);
  const product = again.line_items?.data[0].price?.product as Stripe.Product;
  assert.equal(product.name, "Quick Chat");

  const lines = await stripe.checkout.sessions.listLineItems(session.id);
  assert.equal(lines.data[0].amount_total, 999);
});

Deno.test("the same idempotency key gives the same session; other parameters are an error", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const key = { idempotencyKey: "checkout-1" };

  const first = await stripe.checkout.sessions.create(quickChat(sandbox), key);
  const again = await stripe.checkout.sessions.create(quickChat(sandbox), key);
  assert.equal(again.id, first.id);
  const other = await stripe.checkout.sessions.create(quickChat(sandbox), {
    idempotencyKey: "checkout-2",
  });
  assert.notEqual(other.id, first.id);

  await assert.rejects(
    stripe.checkout.sessions.create(
      quickChat(sandbox, { client_reference_id: "else" }),
      key,
    ),
    (error) =>
      error instanceof Stripe.errors.StripeIdempotencyError &&
      error.statusCode === 400,
  );
});

Deno.test("a key in use answers 409, and the SDK's retry gets the first answer", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const key = { idempotencyKey: "checkout-1" };

  const gate = sandbox.faults.hold("POST /v1/checkout/sessions");
  const first = stripe.checkout.sessions.create(quickChat(sandbox), key);
  await gate.reached;
  await assert.rejects(
    stripe.checkout.sessions.create(quickChat(sandbox), key),
    { statusCode: 409, code: "idempotency_key_in_use" },
  );

  const second = stripe.checkout.sessions.create(quickChat(sandbox), {
    ...key,
    maxNetworkRetries: 2,
  });
  gate.open();
  assert.equal((await second).id, (await first).id);
});

Deno.test("a key outlives an answer that was lost", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const key = { idempotencyKey: "checkout-1" };

  sandbox.faults.api({ statusAfter: 500 }, "POST /v1/checkout/sessions");
  const create = () => stripe.checkout.sessions.create(quickChat(sandbox), key);
  await assert.rejects(create(), Stripe.errors.StripeAPIError);
  const kept = await create();
  const all = await stripe.checkout.sessions.list();
  assert.deepEqual(all.data.map((session) => session.id), [kept.id]);
});

Deno.test("errors have Stripe's shape, status and class", async (t) => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const create = (more: Partial<Stripe.Checkout.SessionCreateParams>) =>
    stripe.checkout.sessions.create(quickChat(sandbox, more));
  const soon = Math.floor(Date.now() / 1000);

  for (
    const [what, asked, expected] of [
      ["a wrong key", () => sdk(sandbox, "sk_test_wrong").prices.list(), {
        statusCode: 401,
        type: "StripeAuthenticationError",
      }],
      ["no such session", () => stripe.checkout.sessions.retrieve("cs_none"), {
        statusCode: 404,
        code: "resource_missing",
      }],
      ["no such price", () => create({ line_items: [{ price: "price_x" }] }), {
        statusCode: 400,
        code: "resource_missing",
        param: "line_items[0][price]",
      }],
      ["nothing to sell", () => create({ line_items: [] }), {
        statusCode: 400,
        code: "parameter_missing",
      }],
      ["a typo", () => create({ succes_url: "x" } as never), {
        statusCode: 400,
        code: "parameter_unknown",
        param: "succes_url",
      }],
      ["no address", () => create({ customer_email: "olive" }), {
        statusCode: 400,
        code: "email_invalid",
      }],
      ["no URL", () => create({ success_url: "/success" }), {
        statusCode: 400,
        code: "url_invalid",
      }],
      ["too short a life", () => create({ expires_at: soon + 60 }), {
        statusCode: 400,
        param: "expires_at",
      }],
      ["too long a life", () => create({ expires_at: soon + 90_000 }), {
        statusCode: 400,
        param: "expires_at",
      }],
      ["a page of nothing", () => stripe.events.list({ limit: 0 }), {
        statusCode: 400,
        param: "limit",
      }],
      ["an endpoint it lacks", () => stripe.balance.retrieve(), {
        statusCode: 404,
        type: "StripeInvalidRequestError",
      }],
      [
        "a property that is none",
        () => stripe.prices.retrieve(sandbox.prices.chat10, { expand: ["x"] }),
        { statusCode: 400, param: "expand" },
      ],
    ] as const
  ) {
    await t.step(what, async () => {
      await assert.rejects(asked as () => Promise<unknown>, (error) => {
        assert.ok(error instanceof Stripe.errors.StripeError);
        assert.match(String(error.requestId), /^req_/);
        assert.ok(error.message.length > 10);
        for (const [name, value] of Object.entries(expected)) {
          assert.equal(error[name as keyof typeof error], value, name);
        }
        return true;
      });
    });
  }
});

Deno.test("an open session can be expired, once", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;

  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  const expired = await stripe.checkout.sessions.expire(id);
  assert.equal(expired.status, "expired");
  assert.equal(expired.url, null);
  await assert.rejects(stripe.checkout.sessions.expire(id), {
    statusCode: 400,
  });

  const page = await (await fetch(url!)).text();
  assert.match(page, /This page has expired/);
  await sandbox.idle();
  assert.deepEqual(events.map((event) => event.type), [
    "checkout.session.expired",
  ]);
});

Deno.test("a session expires by itself when its time is over", async () => {
  let now = new Date();
  await using stage = await sandboxStage({ now: () => now });
  const { stripe, sandbox, events } = stage;

  const expires_at = Math.floor(now.getTime() / 1000) + 3600;
  const { id, url } = await stripe.checkout.sessions.create(
    quickChat(sandbox, { expires_at }),
  );
  now = new Date(now.getTime() + 3_601_000);
  assert.equal(await pressAndGo(url!, GOOD_CARD), null);
  assert.equal(
    (await stripe.checkout.sessions.retrieve(id)).status,
    "expired",
  );
  await sandbox.idle();
  assert.deepEqual(events.map((event) => event.type), [
    "checkout.session.expired",
  ]);
});

Deno.test("events are listed newest first, by type and page by page", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;
  const { url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, GOOD_CARD);

  const all = await stripe.events.list({ limit: 2 });
  assert.equal(all.data[0].type, "checkout.session.completed");
  assert.equal(all.has_more, true);
  const next = await stripe.events.list({ starting_after: all.data[1].id });
  assert.deepEqual(next.data.map((event) => event.type), [
    "payment_intent.succeeded",
    "payment_intent.created",
  ]);
  const some = await stripe.events.list({
    types: ["charge.succeeded", "checkout.session.completed"],
    created: { gte: all.data[0].created - 60 },
  });
  assert.equal(some.data.length, 2);

  const types = [];
  for await (const event of stripe.events.list({ limit: 1 })) {
    types.push(event.type);
  }
  assert.equal(types.length, 4);
});

Deno.test("refunds stop at what was paid, and a key refunds once", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, GOOD_CARD);
  const paid = await stripe.checkout.sessions.retrieve(id);
  const payment_intent = paid.payment_intent as string;

  await assert.rejects(
    stripe.refunds.create({ payment_intent, amount: 1000 }),
    /Refund amount \(\$10\.00\) is greater than unrefunded amount on charge \(\$9\.99\)/,
  );
  const part = { payment_intent, amount: 400 };
  const key = { idempotencyKey: "refund-1" };
  const first = await stripe.refunds.create(part, key);
  assert.equal(first.status, "succeeded");
  assert.equal((await stripe.refunds.create(part, key)).id, first.id);
  await assert.rejects(
    stripe.refunds.create({ payment_intent, amount: 600 }),
    /greater than unrefunded amount/,
  );
  await stripe.refunds.create({ payment_intent });
  await assert.rejects(stripe.refunds.create({ payment_intent }), {
    code: "charge_already_refunded",
  });

  const listed = await stripe.refunds.list({ payment_intent });
  assert.deepEqual(listed.data.map((refund) => refund.amount), [599, 400]);
  const intent = await stripe.paymentIntents.retrieve(payment_intent, {
    expand: ["latest_charge"],
  });
  assert.equal((intent.latest_charge as Stripe.Charge).refunded, true);
  await sandbox.idle();
  assert.equal(
    events.filter((event) => event.type === "charge.refunded").length,
    2,
  );
});

Deno.test("a refund can be pending and fail later, and the money is there again", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, GOOD_CARD);
  const paid = await stripe.checkout.sessions.retrieve(id);

  sandbox.faults.refund("pending");
  const payment_intent = paid.payment_intent as string;
  const refund = await stripe.refunds.create({ payment_intent });
  assert.equal(refund.status, "pending");
  await sandbox.settleRefund(refund.id, "failed");
  const failed = await stripe.refunds.retrieve(refund.id);
  assert.equal(failed.status, "failed");
  assert.equal(failed.failure_reason, "expired_or_canceled_card");
  assert.ok(events.some((event) => event.type === "refund.failed"));
  assert.equal(
    (await stripe.refunds.create({ payment_intent })).status,
    "succeeded",
  );
});

Deno.test("a disputed charge cannot be refunded", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, GOOD_CARD);
  const paid = await stripe.checkout.sessions.retrieve(id);
  await sandbox.dispute(paid.payment_intent as string);

  assert.ok(events.some((event) => event.type === "charge.dispute.created"));
  await assert.rejects(
    stripe.refunds.create({ payment_intent: paid.payment_intent as string }),
    { code: "charge_disputed" },
  );
});

Deno.test("the API fails when told to, and the SDK sees its own errors", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox } = stage;

  sandbox.faults.api({ status: 429 });
  await assert.rejects(
    stripe.prices.list(),
    Stripe.errors.StripeRateLimitError,
  );
  sandbox.faults.api({ status: 500 }, "GET /v1/prices");
  await assert.rejects(stripe.prices.list(), Stripe.errors.StripeAPIError);
  sandbox.faults.api("hangs");
  await assert.rejects(
    stripe.prices.list({}, { timeout: 100 }),
    Stripe.errors.StripeConnectionError,
  );
  sandbox.faults.api({ status: 503 });
  const prices = await stripe.prices.list({}, { maxNetworkRetries: 1 });
  assert.equal(prices.data.length, 3);
});

Deno.test("what was kept in a file is there after a restart, and what was not delivered is", async () => {
  const folder = await Deno.makeTempDir();
  const dataFile = `${folder}/stripe.json`;
  let before;
  {
    await using stage = await sandboxStage({
      dataFile,
      backOffMs: [3_600_000],
      fetch: () => Promise.resolve(new Response("down", { status: 503 })),
    });
    const { stripe, sandbox } = stage;
    const open = await stripe.checkout.sessions.create(quickChat(sandbox));
    const paid = await stripe.checkout.sessions.create(quickChat(sandbox));
    await pressAndGo(paid.url!, GOOD_CARD);
    before = { open, paid, key: sandbox.secretKey, host: sandbox.host.href };
  }
  const text = await Deno.readTextFile(dataFile);
  assert.ok(text.includes('"last4":"4242"'));
  assert.ok(!text.replaceAll(/\s/g, "").includes("42424242"));

  {
    // An hour later, by the sandbox's clock.
    const events: string[] = [];
    const arrived = Promise.withResolvers<void>();
    await using stage = await sandboxStage({
      dataFile,
      now: () => new Date(Date.now() + 3_600_000),
      fetch: async (request) => {
        events.push((await request.json()).type);
        if (events.length === 4) arrived.resolve();
        return new Response("ok");
      },
    });
    assert.equal(stage.sandbox.secretKey, before.key);
    const kept = await stage.stripe.checkout.sessions.retrieve(before.paid.id);
    assert.equal(kept.payment_status, "paid");
    const open = await stage.stripe.checkout.sessions.retrieve(before.open.id);
    assert.equal((await fetch(open.url!)).status, 200);
    await arrived.promise;
    assert.ok(events.includes("checkout.session.completed"));
  }
  await Deno.remove(folder, { recursive: true });
});
