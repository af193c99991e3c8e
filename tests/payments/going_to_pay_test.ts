import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import {
  answerOf,
  arrive,
  checkoutOf,
  eventually,
  goToPay,
  pay,
  sessionCount,
  stripeOf,
  type Trip,
} from "./buyer.ts";
import { press } from "./sandbox_stage.ts";

Deno.test("/api/checkout", async (t) => {
  await using app = await startApp();
  const stripe = stripeOf(app);
  const countOf = async (table: string) =>
    (await app.sql<{ count: number }>(`select count(*)::int as count from ${table}`))[0].count;

  await t.step("makes a visitor a guest and leads to the pay page of the plan", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    assert.ok(vic.cookies.get("login"));

    const session = await stripe.checkout.sessions.retrieve(trip.stripeId, {
      expand: ["line_items"],
    });
    const row = await checkoutOf(app, trip);
    assert.equal(session.mode, "payment");
    assert.equal(session.amount_total, 999);
    assert.equal(session.client_reference_id, row.id);
    assert.deepEqual(Object.keys(session.metadata!).sort(), [
      "checkout_id",
      "intake_id",
      "plan",
      "user_id",
    ]);
    assert.equal(session.line_items?.data[0].price?.id, app.sandbox.prices.chat10);
    assert.equal(
      session.success_url,
      `${app.origin}/checkout/success?session_id={CHECKOUT_SESSION_ID}`,
    );
    assert.equal(session.cancel_url, `${app.origin}/start?plan=chat10&cancelled=1`);
    assert.equal(row.status, "open");
  });

  await t.step("fills in the address of who signed in with one", async () => {
    const trip = await goToPay(app.as("oscar"));
    const session = await stripe.checkout.sessions.retrieve(trip.stripeId);
    assert.equal(session.customer_email, "oscar@wrenchline.test");
  });

  await t.step("gives the same page when pressed again, also by a form", async () => {
    const vic = app.visitor();
    const first = await goToPay(vic);
    const again = await goToPay(vic);
    assert.deepEqual(again, first);
    const posted = await answerOf(vic.post("/api/checkout", { plan: "chat10" }));
    assert.equal(posted.status, 303);
    assert.equal(posted.location, first.url);
  });

  await t.step("gives two tabs that press at once the same page", async () => {
    const vic = app.visitor();
    await arrive(vic, "/start?plan=chat10");
    await vic.post("/start", { vehicle: "2009 Golf", complaint: "It shakes", plan: "chat10" });
    const gate = app.sandbox.faults.hold("POST /v1/checkout/sessions");
    const first = goToPay(vic, "video15");
    await gate.reached;
    const second = goToPay(vic, "video15");
    await eventually(() => app.sandbox.requests.some(({ status }) => status === 409));
    gate.open();
    assert.deepEqual(await second, await first);
    assert.equal((await sessionsOf(await first)).length, 1, "Stripe made one page");
  });

  await t.step("expires the page of the plan that was chosen before", async () => {
    const vic = app.visitor();
    const chat = await goToPay(vic, "chat10");
    const video = await goToPay(vic, "video15");
    assert.notEqual(video.stripeId, chat.stripeId);
    assert.equal((await stripe.checkout.sessions.retrieve(chat.stripeId)).status, "expired");
    assert.equal((await checkoutOf(app, chat)).status, "expired");
    assert.match(await (await fetch(chat.url)).text(), /expired/);
    assert.equal((await stripe.checkout.sessions.retrieve(video.stripeId)).amount_total, 2999);
  });

  await t.step("asks again to expire what Stripe did not hear of", async () => {
    const vic = app.visitor();
    const chat = await goToPay(vic, "chat10");
    app.sandbox.faults.api({ status: 500 }, `POST /v1/checkout/sessions/${chat.stripeId}`, 3);
    const refused = await answerOf(vic.get("/api/checkout?plan=video15"));
    assert.equal(refused.location, "/start?plan=video15&problem=away");
    assert.equal((await stripe.checkout.sessions.retrieve(chat.stripeId)).status, "open");

    await goToPay(vic, "video15");
    assert.equal((await stripe.checkout.sessions.retrieve(chat.stripeId)).status, "expired");
  });

  await t.step("takes back a page made while another plan was chosen", async () => {
    const vic = app.visitor();
    await vic.post("/start", { vehicle: "2009 Golf", complaint: "It shakes", plan: "chat10" });
    const gate = app.sandbox.faults.hold("POST /v1/checkout/sessions");
    const chat = goToPay(vic, "chat10");
    await gate.reached;
    const video = await goToPay(vic, "video15");
    gate.open();
    const last = await chat;

    const mine = await sessionsOf(last);
    assert.deepEqual(
      mine.filter((session) => session.status === "open").map((session) => session.id),
      [last.stripeId],
      "one page can be paid, whatever was pressed when",
    );
    assert.notEqual(last.stripeId, video.stripeId);
  });

  /** Every page Stripe ever made for the buyer of a trip. */
  async function sessionsOf({ stripeId }: Trip) {
    const { metadata } = await stripe.checkout.sessions.retrieve(stripeId);
    const { data } = await stripe.checkout.sessions.list({ limit: 100 });
    return data.filter((session) => session.metadata?.user_id === metadata?.user_id);
  }

  await t.step("leads to the session when the other tab has paid meanwhile", async () => {
    const vic = app.visitor();
    const chat = await goToPay(vic, "chat10");
    app.sandbox.faults.webhook("never", "checkout.session.completed");
    await pay(chat);

    const pressed = await answerOf(vic.get("/api/checkout?plan=video15"));
    assert.equal(pressed.location, `/checkout/success?session_id=${chat.stripeId}`);
    assert.equal((await checkoutOf(app, chat)).status, "paid");
    assert.match((await arrive(vic, pressed.location!)).path, /^\/chat\//);
    assert.equal(await sessionCount(app, chat), 1);
  });

  await t.step("makes a new page when the last one's time is over", async () => {
    const vic = app.visitor();
    const first = await goToPay(vic);
    await stripe.checkout.sessions.expire(first.stripeId);
    await app.sandbox.idle();
    const second = await goToPay(vic);
    assert.notEqual(second.stripeId, first.stripeId);
  });

  await t.step("makes one page although Stripe's first answer was lost", async () => {
    const vic = app.visitor();
    app.sandbox.faults.api({ statusAfter: 500 }, "POST /v1/checkout/sessions");
    const trip = await goToPay(vic);
    assert.equal((await sessionsOf(trip)).length, 1);
  });

  await t.step("leads back to the intake when Stripe does not answer", async () => {
    const vic = app.visitor();
    app.sandbox.faults.api({ status: 503 }, "POST /v1/checkout/sessions", 3);
    const refused = await answerOf(vic.get("/api/checkout?plan=chat10"));
    assert.equal(refused.status, 303);
    assert.match((await arrive(vic, refused.location!)).text, /could not reach Stripe/);

    app.sandbox.faults.api({ status: 429 }, "POST /v1/checkout/sessions");
    assert.match((await answerOf(vic.get("/api/checkout?plan=chat10"))).location!, /problem=away/);
    await goToPay(vic);
  });

  await t.step(
    "refuses a plan that is none, names those that are, and makes no guest",
    async () => {
      const users = await countOf("auth.users");
      for (const player of [app.visitor(), app.as("oscar")]) {
        for (const plan of ["plan=gold", "plan=", "", "plan=chat10%00"]) {
          const answer = await answerOf(player.get(`/api/checkout?${plan}`));
          assert.equal(answer.status, 400);
          assert.match(answer.text, /chat10, video15, diagnostic/);
          assert.equal(JSON.parse(answer.text).error.code, "NPLAN");
        }
      }
      assert.equal(await countOf("auth.users"), users);
    },
  );

  await t.step("does nothing for a browser that only guesses", async () => {
    const vic = app.visitor();
    const before = [await countOf("auth.users"), await countOf("app.checkouts")];
    for (
      const headers of [
        { "sec-purpose": "prefetch" },
        { "sec-purpose": "prefetch;prerender" },
        { purpose: "prefetch" },
        { "x-moz": "prefetch" },
      ] as Record<string, string>[]
    ) {
      const { status } = await answerOf(vic.get("/api/checkout?plan=chat10", { headers }));
      assert.equal(status, 400);
    }
    const { status } = await answerOf(vic.get("/api/checkout?plan=chat10", { method: "HEAD" }));
    assert.equal(status, 400);
    assert.equal(vic.cookies.size, 0);
    assert.deepEqual([await countOf("auth.users"), await countOf("app.checkouts")], before);
  });

  await t.step("makes no more than thirty pages in ten minutes for one buyer", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic, "video15");
    await app.sql(
      `update private.rate_limits set times = 30
       where who = (select encode(sha256(user_id::text::bytea), 'hex') from app.checkouts where stripe_id = $1)`,
      [trip.stripeId],
    );
    const refused = await answerOf(vic.get("/api/checkout?plan=diagnostic"));
    assert.equal(refused.status, 429);
    assert.equal(JSON.parse(refused.text).error.code, "SLOWD");
    assert.deepEqual(await goToPay(vic, "video15"), trip, "what is open stays payable");
    await goToPay(app.visitor(), "diagnostic");
  });

  await t.step("refuses a form of another site", async () => {
    const headers = { origin: "http://evil.test", "sec-fetch-site": "cross-site" };
    const { status } = await answerOf(
      app.visitor().post("/api/checkout", { plan: "chat10" }, { headers }),
    );
    assert.equal(status, 403);
  });

  await t.step("leads back to the intact intake after a cancelled payment", async () => {
    const vic = app.visitor();
    await vic.post("/start", {
      vehicle: "2009 Golf",
      complaint: "It shakes at 50",
      plan: "chat10",
    });
    const trip = await goToPay(vic);
    const page = await (await fetch(trip.url)).text();
    const back = new URL(
      /class="back" href="([^"]+)"/.exec(page)![1].replaceAll("&#38;", "&"),
    );
    const { text } = await arrive(vic, back.pathname + back.search);
    assert.match(text, /nothing was charged/);
    assert.match(text, /2009 Golf/);
    assert.match(text, /It shakes at 50/);
    assert.deepEqual(await goToPay(vic), trip, "and the same page can still be paid");
  });

  await t.step("keeps the card's refusal on Stripe's page, and the way to pay open", async () => {
    const vic = app.visitor();
    const trip = await goToPay(vic);
    const declined = await press(trip.url, {
      action: "pay",
      email: "vic@example.com",
      number: "4000000000000002",
      expiry: "12/40",
      cvc: "123",
    });
    assert.match(await declined.text(), /declined/);
    await app.sandbox.idle();
    assert.equal(await sessionCount(app, trip), 0);

    // Whoever opens the success page by hand has not paid, and is told so.
    const told = await arrive(vic, `/checkout/success?session_id=${trip.stripeId}`);
    assert.match(told.path, /^\/start\?plan=chat10&problem=declined/);
    assert.match(told.text, /declined/);

    assert.match((await arrive(vic, await toPath(pay(trip)))).path, /^\/chat\//);
  });
});

async function toPath(url: Promise<string>): Promise<string> {
  const { pathname, search } = new URL(await url);
  return pathname + search;
}
