import assert from "node:assert/strict";
import { startApp, type Visitor } from "../support/app.ts";
import {
  answerOf,
  arrive,
  checkoutOf,
  eventually,
  goToPay,
  outcomes,
  pay,
  sessionCount,
  stripeOf,
  type Trip,
} from "./buyer.ts";
import { press, pressAndGo } from "./sandbox_stage.ts";

const COMPLETED = "checkout.session.completed";
const BANK = { method: "bank" };

Deno.test("a payment", async (t) => {
  await using app = await startApp();
  const { sandbox } = app;
  const stripe = stripeOf(app);
  const success = ({ stripeId }: Trip) => `/checkout/success?session_id=${stripeId}`;
  const resolve = (who: Visitor, { stripeId }: Trip) =>
    answerOf(who.get(`/api/sessions/resolve-by-stripe?session_id=${stripeId}`));

  /** As if it were two seconds later. */
  const forgetAsking = ({ stripeId }: Trip) =>
    app.sql("update app.checkouts set asked_at = null where stripe_id = $1", [stripeId]);
  const timesAsked = ({ stripeId }: Trip) =>
    sandbox.requests.filter(({ name }) => name.includes(stripeId)).length;

  await t.step(
    "becomes one session with its customer in it, and what was told goes along",
    async () => {
      const vic = app.visitor();
      await vic.post("/start", {
        vehicle: "2009 Golf",
        complaint: "It shakes at 50",
        plan: "chat10",
      });
      const trip = await goToPay(vic);
      assert.equal(await pay(trip), `${app.origin}${success(trip)}`);
      await sandbox.idle();

      const { session_id } = await checkoutOf(app, trip);
      const [session] = await app.sql<Record<string, unknown>>(
        "select type, plan, status, metadata from app.sessions where id = $1",
        [session_id],
      );
      assert.equal(session.type, "chat");
      assert.equal(session.status, "waiting");
      const metadata = session.metadata as Record<string, string>;
      assert.equal(metadata.customer_email, "olive@example.com");
      assert.ok(metadata.intake_id);
      assert.deepEqual(
        await app.sql("select role from app.session_participants where session_id = $1", [
          session_id,
        ]),
        [{ role: "customer" }],
      );

      const there = await arrive(vic, success(trip));
      assert.equal(there.path, `/chat/${session_id}`);
      assert.equal(there.status, 200);
      assert.deepEqual(JSON.parse((await resolve(vic, trip)).text), {
        sessionId: session_id,
        type: "chat",
        route: `/chat/${session_id}`,
      });
    },
  );

  await t.step(
    "is on the account page with Stripe's receipt, and in a mail with its link",
    async () => {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      await pay(trip, { email: "vic@example.com" });
      await sandbox.idle();
      const { session_id } = await checkoutOf(app, trip);
      const receipt = /href="([^"]*\/receipts\/ch_\w+)"/.exec((await arrive(vic, "/account")).text);
      assert.match(await (await fetch(receipt![1])).text(), /\$9\.99/);
      const mail = await eventually(async () =>
        (await app.sql<{ body: string }>(
          "select body from private.mail where recipient = 'vic@example.com'",
        ))[0]
      );
      assert.ok(mail.body.includes(`${app.origin}/chat/${session_id}`));
    },
  );

  await t.step("of a video or a diagnostic ends at its thank-you page", async () => {
    for (const [plan, type] of [["video15", "video"], ["diagnostic", "diagnostic"]]) {
      const vic = app.visitor();
      const trip = await goToPay(vic, plan);
      await pay(trip);
      const { path, status } = await arrive(vic, success(trip));
      const { session_id } = await checkoutOf(app, trip);
      assert.equal(path, `/thank-you?session=${session_id}`);
      assert.equal(status, 200);
      assert.deepEqual(
        await app.sql("select type from app.sessions where id = $1", [session_id]),
        [{ type }],
      );
    }
  });

  await t.step(
    "whose buyer closed the tab waits for them on the front page and in the account",
    async () => {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      await pay(trip);
      const { session_id } = await checkoutOf(app, trip);
      for (const path of ["/", "/account"]) {
        assert.ok((await arrive(vic, path)).text.includes(`/chat/${session_id}`), path);
      }
    },
  );

  await t.step(
    "is confirmed by the success page when the webhook is late, and the webhook changes nothing",
    async () => {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      sandbox.faults.webhook("late", COMPLETED);
      await pay(trip);
      assert.equal(await sessionCount(app, trip), 0);

      const { path } = await arrive(vic, success(trip));
      assert.match(path, /^\/chat\//);
      await sandbox.release();
      assert.deepEqual(await outcomes(app, trip, COMPLETED), ["repeated"]);
      assert.equal(await sessionCount(app, trip), 1);
      assert.equal((await arrive(vic, success(trip))).path, path);
    },
  );

  await t.step("is confirmed by resolve-by-stripe when the webhook never comes", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    sandbox.faults.webhook("never", COMPLETED);
    await pay(trip);
    const answer = await resolve(vic, trip);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.text).sessionId, (await checkoutOf(app, trip)).session_id);
  });

  await t.step(
    "shows that it is being confirmed while neither the webhook nor Stripe answers",
    async () => {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      sandbox.faults.webhook("late", COMPLETED);
      await pay(trip);

      sandbox.faults.api({ status: 500 }, "GET /v1/checkout/sessions/", 3);
      const waiting = await arrive(vic, success(trip));
      assert.equal(waiting.status, 200);
      assert.match(waiting.text, /Confirming your payment/);
      assert.match(waiting.text, /http-equiv="refresh"/);
      assert.doesNotMatch(waiting.text, /api\/checkout|continue to payment/i);

      await forgetAsking(trip);
      sandbox.faults.api({ status: 429 }, "GET /v1/checkout/sessions/");
      const pending = await resolve(vic, trip);
      assert.equal(pending.status, 202);
      assert.deepEqual(JSON.parse(pending.text), { status: "pending" });

      await sandbox.release();
      assert.match((await arrive(vic, success(trip))).path, /^\/chat\//);
    },
  );

  await t.step("has Stripe asked once in two seconds, however often one looks", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    await pay(trip, BANK);
    await sandbox.idle();
    const before = timesAsked(trip);
    for (let looks = 0; looks < 5; looks++) {
      const page = await arrive(vic, success(trip));
      assert.match(page.text, /http-equiv="refresh"/);
      assert.equal((await resolve(vic, trip)).status, 202);
    }
    assert.equal(timesAsked(trip), before + 1);

    await forgetAsking(trip);
    await arrive(vic, success(trip));
    assert.equal(timesAsked(trip), before + 2);
    await sandbox.settle(trip.stripeId, "succeeded");
    assert.match((await arrive(vic, success(trip))).path, /^\/chat\//);
  });

  await t.step("told twice, or five times at once, is one session", async () => {
    for (const fault of ["twice", "concurrent"] as const) {
      const trip = await goToPay(app.visitor());
      sandbox.faults.webhook(fault, COMPLETED);
      await pay(trip);
      await sandbox.idle();
      assert.equal(await sessionCount(app, trip), 1);
      assert.deepEqual(await outcomes(app, trip, COMPLETED), ["fulfilled"]);
    }
  });

  await t.step(
    "told by the webhook and looked for by five pages at once is one session",
    async () => {
      const vic = app.visitor();
      const trip = await goToPay(vic);
      sandbox.faults.webhook("late", COMPLETED);
      await pay(trip);
      // One page has Stripe asked; the others say that they look again, and then they know.
      const arriveInTheEnd = () =>
        eventually(async () => {
          const { path } = await arrive(vic, success(trip));
          return path !== success(trip) && path;
        });
      const [, ...ends] = await Promise.all([
        sandbox.release(),
        ...Array.from({ length: 5 }, arriveInTheEnd),
      ]);
      assert.equal(new Set(ends).size, 1);
      assert.equal(await sessionCount(app, trip), 1);
    },
  );

  await t.step("by bank transfer waits for the money, and says so", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    await pay(trip, BANK);
    await sandbox.idle();
    assert.equal((await checkoutOf(app, trip)).status, "pending");
    assert.match((await arrive(vic, success(trip))).text, /Confirming your payment/);
    assert.equal((await resolve(vic, trip)).status, 202);
    assert.equal(await sessionCount(app, trip), 0);

    await sandbox.settle(trip.stripeId, "succeeded");
    assert.match((await arrive(vic, success(trip))).path, /^\/chat\//);
    assert.equal(await sessionCount(app, trip), 1);
  });

  await t.step("by bank transfer that fails leads back to the intact intake", async () => {
    const vic = app.visitor();
    await vic.post("/start", { vehicle: "2009 Golf", complaint: "", plan: "chat10" });
    const trip = await goToPay(vic);
    await pay(trip, BANK);
    await sandbox.settle(trip.stripeId, "failed");
    const { path, text } = await arrive(vic, success(trip));
    assert.equal(path, "/start?plan=chat10&problem=failed");
    assert.match(text, /did not go through/);
    assert.match(text, /2009 Golf/);
    const answer = await resolve(vic, trip);
    assert.equal(answer.status, 409);
    assert.deepEqual(JSON.parse(answer.text), {
      status: "failed",
      words: "The payment did not go through, and nothing was charged.",
    });
    assert.notEqual((await goToPay(vic)).stripeId, trip.stripeId);
  });

  await t.step("whose events overtake each other is one session all the same", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    sandbox.faults.webhook("late", COMPLETED);
    await pay(trip, BANK);
    await sandbox.settle(trip.stripeId, "succeeded");
    assert.equal(await sessionCount(app, trip), 1);
    await sandbox.release(); // "complete, but unpaid": old news
    assert.equal((await checkoutOf(app, trip)).status, "paid");
    assert.equal(await sessionCount(app, trip), 1);
  });

  await t.step("that failed is not undone by older news", async () => {
    const trip = await goToPay(app.visitor());
    sandbox.faults.webhook("late", COMPLETED);
    await pay(trip, BANK);
    await sandbox.settle(trip.stripeId, "failed");
    await sandbox.release();
    assert.equal((await checkoutOf(app, trip)).status, "failed");
  });

  await t.step("of nothing, with a code for all of it, is a session too", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    await pressAndGo(trip.url, { action: "promotion", promotion: "FREE100" });
    await pay(trip);
    await sandbox.idle();
    assert.deepEqual(await outcomes(app, trip, COMPLETED), ["fulfilled"]);
    assert.match((await arrive(vic, success(trip))).path, /^\/chat\//);
  });

  await t.step("of half, with a code for that, is a session too", async () => {
    const trip = await goToPay(app.visitor());
    await pressAndGo(trip.url, { action: "promotion", promotion: "HALF50" });
    await pay(trip);
    assert.equal(await sessionCount(app, trip), 1);
  });

  await t.step("after 3-D Secure is a session; without it, nothing", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    const challenge = await pay(trip, { number: "4000002500003155" });
    await (await press(challenge, { action: "fail" })).body?.cancel();
    assert.match((await arrive(vic, success(trip))).path, /problem=declined/);
    const again = await pay(trip, { number: "4000002500003155" });
    await pressAndGo(again, { action: "complete" });
    assert.match((await arrive(vic, success(trip))).path, /^\/chat\//);
  });

  await t.step("made twice for one intake is one session, and the second goes back", async () => {
    const vic = app.visitor();
    const first = await goToPay(vic);
    sandbox.faults.webhook("late", COMPLETED);
    await pay(first, BANK); // the buyer is through, the money is not
    await sandbox.release();
    const second = await goToPay(vic);
    assert.notEqual(second.stripeId, first.stripeId);
    await pay(second);
    await sandbox.settle(first.stripeId, "succeeded");

    assert.equal(await sessionCount(app, first), 1);
    assert.equal((await checkoutOf(app, second)).status, "paid");
    assert.equal((await checkoutOf(app, first)).status, "duplicate");
    const told = await arrive(vic, success(first));
    assert.match(told.text, /paid twice/);
    assert.ok(told.text.includes((await checkoutOf(app, second)).session_id!));

    const paid = await stripe.checkout.sessions.retrieve(first.stripeId);
    const payment_intent = paid.payment_intent as string;
    const refund = await eventually(async () =>
      (await stripe.refunds.list({ payment_intent })).data[0]
    );
    assert.equal(refund.amount, 999);
    await eventually(async () =>
      (await app.sql(
        `select from app.refunds r join app.checkouts c on c.id = r.checkout_id
         where c.stripe_id = $1 and r.status = 'succeeded' and r.stripe_id = $2`,
        [first.stripeId, refund.id],
      )).length === 1
    );
    assert.match((await arrive(vic, success(second))).path, /^\/chat\//);
  });

  await t.step(
    "cannot be looked at by a stranger, signed in or out, and Stripe is not asked",
    async () => {
      const trip = await goToPay(app.visitor());
      sandbox.faults.webhook("never", COMPLETED);
      await pay(trip);
      const asked = sandbox.requests.length;
      for (const stranger of [app.visitor(), app.as("oscar"), app.as("dana")]) {
        assert.equal((await answerOf(stranger.get(success(trip)))).status, 404);
        const answer = await resolve(stranger, trip);
        assert.equal(answer.status, 404);
        assert.equal(JSON.parse(answer.text).error.code, "NTFND");
      }
      assert.equal(sandbox.requests.length, asked);
      assert.equal(await sessionCount(app, trip), 0);
    },
  );

  await t.step("that nobody made is not found", async () => {
    const oscar = app.as("oscar");
    for (const id of ["", "cs_test_none", "%27", "cs_test_" + "a".repeat(400)]) {
      assert.equal((await answerOf(oscar.get(`/checkout/success?session_id=${id}`))).status, 404);
    }
  });

  await t.step("can be looked for again and again", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    await pay(trip);
    const first = await arrive(vic, success(trip));
    assert.equal((await arrive(vic, success(trip))).path, first.path);
    assert.equal(await sessionCount(app, trip), 1);
  });

  await t.step("not made in time leads back to the intake", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    sandbox.faults.webhook("never", "checkout.session.expired");
    await stripe.checkout.sessions.expire(trip.stripeId);
    const { path, text } = await arrive(vic, success(trip));
    assert.equal(path, "/start?plan=chat10&problem=expired");
    assert.match(text, /open for too long/);
    assert.equal((await checkoutOf(app, trip)).status, "expired");
    const answer = await resolve(vic, trip);
    assert.equal(answer.status, 409);
    assert.match(answer.text, /open for too long/);
  });

  await t.step("not made yet leads back to the intake", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    assert.equal((await arrive(vic, success(trip))).path, "/start?plan=chat10&problem=cancelled");
    assert.equal((await resolve(vic, trip)).status, 202);
  });
});
