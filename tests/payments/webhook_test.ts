import assert from "node:assert/strict";
import { useEnvironment } from "@/lib/environment.ts";
import { startApp, WEBHOOK_SECRET } from "../support/app.ts";
import { arrive, checkoutOf, goToPay, outcomes, pay, sessionCount, stripeOf } from "./buyer.ts";

const COMPLETED = "checkout.session.completed";

Deno.test("the webhook", async (t) => {
  await using app = await startApp();
  const { sandbox } = app;
  const stripe = stripeOf(app);
  const url = `${app.origin}/api/stripe/webhook`;

  /** Sends an event as Stripe would, or nearly. */
  async function send(
    event: { id?: string; type: string; object: unknown },
    {
      secret = WEBHOOK_SECRET,
      at = Math.floor(Date.now() / 1000),
      header = undefined as string | undefined,
    } = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const payload = JSON.stringify({
      id: event.id ?? `evt_${crypto.randomUUID().replaceAll("-", "")}`,
      object: "event",
      api_version: "2026-10-28.endive",
      created: at,
      livemode: false,
      type: event.type,
      data: { object: event.object },
    });
    const signature = await stripe.webhooks.generateTestHeaderStringAsync({
      payload,
      secret,
      timestamp: at,
    });
    const response = await fetch(url, {
      method: "POST",
      body: payload,
      redirect: "manual",
      headers: { "stripe-signature": header ?? signature, "content-type": "application/json" },
    });
    return { status: response.status, body: await response.json() };
  }

  await t.step("keeps an event it does not know and answers 200", async () => {
    const id = "evt_unknown";
    const answer = await send({ id, type: "issuing_card.created", object: { id: "ic_1" } });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      await app.sql("select type, outcome from private.stripe_events where id = $1", [id]),
      [{ type: "issuing_card.created", outcome: "stored" }],
    );
  });

  await t.step(
    "refuses what Stripe did not sign, or signed long ago, without any effect",
    async () => {
      const trip = await goToPay(app.visitor());
      const object = {
        ...await stripe.checkout.sessions.retrieve(trip.stripeId),
        status: "complete",
        payment_status: "paid",
      };
      const event = { type: COMPLETED, object };
      const now = Math.floor(Date.now() / 1000);
      for (
        const forged of [
          { secret: "whsec_guessed" },
          { at: now - 3600 },
          { header: "" },
          { header: `t=${now}` },
          { header: `t=${now},v1=${"0".repeat(64)}` },
          { header: "nonsense" },
        ]
      ) {
        const answer = await send(event, forged);
        assert.equal(answer.status, 400);
        assert.equal((answer.body.error as Record<string, string>).code, "SIGNT");
      }
      assert.equal((await checkoutOf(app, trip)).status, "open");
      assert.equal(await sessionCount(app, trip), 0);

      assert.equal((await send(event)).status, 200); // it was there to be taken
      assert.equal(await sessionCount(app, trip), 1);
    },
  );

  await t.step("is refused by the database too, by whoever has the web login only", async () => {
    const [row] = await app.sql<{ told: boolean }>(
      "select private.is_signed_by_stripe('{}', $1) as told",
      [`t=${Math.floor(Date.now() / 1000)},v1=${"a".repeat(64)}`],
    );
    assert.equal(row.told, false);
  });

  await t.step("takes a delivery again that was refused for its signature or its age", async () => {
    for (const fault of ["wrong_signature", "old_timestamp"] as const) {
      const trip = await goToPay(app.visitor());
      sandbox.faults.webhook(fault, COMPLETED);
      await pay(trip);
      const refused = sandbox.deliveries.findLast(({ type }) => type === COMPLETED)!;
      assert.equal(refused.status, 400);
      assert.equal(await sessionCount(app, trip), 0);
      await sandbox.resend(refused.eventId);
      assert.equal(await sessionCount(app, trip), 1);
    }
  });

  await t.step("reads no more than a megabyte, whether or not it is told the length", async () => {
    const chunk = new Uint8Array(100_000).fill(65);
    let sent = 0;
    const body = new ReadableStream({
      pull(stream) {
        if (sent++ < 200) stream.enqueue(chunk);
        else stream.close();
      },
    });
    const headers = { "stripe-signature": `t=1,v1=${"0".repeat(64)}` };
    const endless = await app.handler(new Request(url, { method: "POST", body, headers }));
    await endless.body?.cancel();
    assert.equal(endless.status, 413);
    assert.ok(sent < 20, `${sent} chunks were read`);
    const long = new Uint8Array(1_000_001);
    const answer = await fetch(url, { method: "POST", body: long, headers });
    await answer.body?.cancel();
    assert.equal(answer.status, 413);

    const fits = await send({ type: "issuing_card.created", object: { is: "a".repeat(900_000) } });
    assert.equal(fits.status, 200);
  });

  await t.step("accepts two secrets while one replaces the other", async () => {
    const both = ["whsec_next", WEBHOOK_SECRET];
    await app.sql("insert into private.stripe_webhook_secrets (secret) values ('whsec_next')");
    const before = structuredClone(sandbox.prices);
    useEnvironment({ ...variables(), STRIPE_WEBHOOK_SECRET: both.join(",") });
    assert.deepEqual(sandbox.prices, before);
    for (const secret of both) {
      const answer = await send({ type: "issuing_card.created", object: {} }, { secret });
      assert.equal(answer.status, 200, secret);
    }
    const answer = await send({ type: "issuing_card.created", object: {} }, {
      secret: "whsec_last",
    });
    assert.equal(answer.status, 400);
  });

  function variables(): Record<string, string> {
    return {
      DATABASE_URL: app.db.webUrl,
      RELAY_DATABASE_URL: app.db.relayUrl,
      BACKSTAGE_DATABASE_URL: app.db.backstageUrl,
      STRIPE_SECRET_KEY: sandbox.secretKey,
      STRIPE_HOST: sandbox.host.href,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_PRICE_CHAT10: sandbox.prices.chat10,
      STRIPE_PRICE_VIDEO15: sandbox.prices.video15,
      STRIPE_PRICE_DIAGNOSTIC: sandbox.prices.diagnostic,
      PUBLIC_URL: app.origin,
      WRENCHLINE_DEMO: "on",
    };
  }

  await t.step("keeps aside a payment that is not the plan's: 200, no session", async () => {
    for (
      const [what, change] of [
        ["amount", { amount_subtotal: 100, amount_total: 100 }],
        ["currency", { currency: "eur" }],
        ["checkout", { client_reference_id: crypto.randomUUID() }],
        ["reference", { client_reference_id: "someone else's" }],
        ["id", { id: "cs_test_other" }],
      ] as const
    ) {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      const object = {
        ...await stripe.checkout.sessions.retrieve(trip.stripeId),
        status: "complete",
        payment_status: "paid",
        ...change,
      };
      const answer = await send({ type: COMPLETED, object });
      assert.equal(answer.status, 200, what);
      assert.equal(answer.body.outcome, "kept_aside", what);
      assert.equal(await sessionCount(app, trip), 0, what);
      if (what === "amount") {
        const told = await arrive(vic, `/checkout/success?session_id=${trip.stripeId}`);
        assert.match(told.text, /looking into your payment/);
        assert.doesNotMatch(told.text, /api\/checkout/);
        const path = `/api/sessions/resolve-by-stripe?session_id=${trip.stripeId}`;
        const resolved = await vic.get(path);
        assert.equal(resolved.status, 409);
        assert.equal((await resolved.json()).status, "refused");
      }
    }
  });

  await t.step(
    "keeps aside a price that is not the plan's, also when Stripe was asked",
    async () => {
      // As when somebody made a price of their own: the amount is right, and nothing else is.
      const price = await stripe.prices.create({
        currency: "usd",
        unit_amount: 999,
        product_data: { name: "Something else" },
      });
      useEnvironment({ ...variables(), STRIPE_PRICE_CHAT10: price.id });
      const vic = app.visitor();
      const trip = await goToPay(vic);
      useEnvironment(variables());
      sandbox.faults.webhook("never", COMPLETED);
      await pay(trip);
      const told = await arrive(vic, `/checkout/success?session_id=${trip.stripeId}`);
      assert.match(told.text, /looking into your payment/);
      assert.equal((await checkoutOf(app, trip)).status, "refused");
      assert.equal(await sessionCount(app, trip), 0);
    },
  );

  await t.step("answers no other method, and never redirects", async () => {
    const got = await fetch(url, { redirect: "manual" });
    await got.body?.cancel();
    assert.equal(got.status, 405);
    assert.match(got.headers.get("allow")!, /^POST\b/);
  });

  await t.step("closes what expired", async () => {
    const trip = await goToPay(app.visitor());
    await stripe.checkout.sessions.expire(trip.stripeId);
    await sandbox.idle();
    assert.deepEqual(await outcomes(app, trip, "checkout.session.expired"), ["expired"]);
    assert.equal((await checkoutOf(app, trip)).status, "expired");
  });
});
