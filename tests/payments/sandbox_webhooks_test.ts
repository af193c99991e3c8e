import assert from "node:assert/strict";
import { GOOD_CARD, pressAndGo, quickChat, sandboxStage } from "./sandbox_stage.ts";

const COMPLETED = "checkout.session.completed";

type Stage = Awaited<ReturnType<typeof sandboxStage>>;

/** Buys a Quick Chat and says which events arrived, in their order. */
async function buy({ stripe, sandbox, events }: Stage): Promise<string[]> {
  const { url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  await pressAndGo(url!, GOOD_CARD);
  await sandbox.idle();
  return events.map((event) => event.type);
}

Deno.test("every event of a payment is delivered, signed", async () => {
  await using stage = await sandboxStage();
  assert.deepEqual((await buy(stage)).toSorted(), [
    "charge.succeeded",
    COMPLETED,
    "payment_intent.created",
    "payment_intent.succeeded",
  ]);
  assert.ok(stage.sandbox.deliveries.every(({ status }) => status === 200));
});

Deno.test("late: the event waits for release()", async () => {
  await using stage = await sandboxStage();
  stage.sandbox.faults.webhook("late", COMPLETED);
  assert.ok(!(await buy(stage)).includes(COMPLETED));
  await stage.sandbox.release();
  assert.ok(stage.events.some((event) => event.type === COMPLETED));
});

Deno.test("never: the event is not delivered, but the API has it", async () => {
  await using stage = await sandboxStage();
  stage.sandbox.faults.webhook("never", COMPLETED);
  assert.ok(!(await buy(stage)).includes(COMPLETED));
  await stage.sandbox.release();
  assert.ok(!stage.events.some((event) => event.type === COMPLETED));

  const listed = await stage.stripe.events.list({ type: COMPLETED });
  assert.equal(listed.data.length, 1);
  await stage.sandbox.resend(listed.data[0].id);
  assert.ok(stage.events.some((event) => event.type === COMPLETED));
});

Deno.test("twice and concurrent: the same event several times", async () => {
  for (const [fault, times] of [["twice", 2], ["concurrent", 5]] as const) {
    await using stage = await sandboxStage();
    stage.sandbox.faults.webhook(fault, COMPLETED);
    await buy(stage);
    const copies = stage.events.filter((event) => event.type === COMPLETED);
    assert.equal(copies.length, times);
    assert.equal(new Set(copies.map((event) => event.id)).size, 1);
  }
});

Deno.test("reordered: what came later arrives first", async () => {
  await using stage = await sandboxStage();
  const { stripe, sandbox, events } = stage;
  sandbox.faults.webhook("reordered", COMPLETED);
  const { id, url } = await stripe.checkout.sessions.create(quickChat(sandbox));
  const { email } = GOOD_CARD;
  await pressAndGo(url!, { action: "pay", email, method: "bank" });
  await sandbox.idle();
  assert.ok(!events.some((event) => event.type === COMPLETED));

  sandbox.faults.clear();
  await sandbox.settle(id, "succeeded");
  const order = events.map((event) => event.type);
  assert.ok(order.includes(COMPLETED));
  assert.ok(
    order.indexOf(COMPLETED) > order.indexOf("payment_intent.succeeded"),
  );
});

Deno.test("wrong signature and old timestamp: refused, then tried again soundly", async () => {
  for (const fault of ["wrong_signature", "old_timestamp"] as const) {
    await using stage = await sandboxStage({ backOffMs: [0] });
    stage.sandbox.faults.webhook(fault, COMPLETED);
    const arrived = Promise.withResolvers<void>();
    const { push } = stage.events;
    stage.events.push = (...more) => {
      if (more[0].type === COMPLETED) arrived.resolve();
      return push.apply(stage.events, more);
    };
    await buy(stage);
    await arrived.promise;
    await stage.sandbox.idle();
    const statuses = stage.sandbox.deliveries
      .filter(({ type }) => type === COMPLETED)
      .map(({ status }) => status);
    assert.deepEqual(statuses, [400, 200]);
  }
});

Deno.test("an answer that is no 2xx is a failure: tried again, then given up", async () => {
  let asked = 0;
  const enough = Promise.withResolvers<void>();
  await using stage = await sandboxStage({
    backOffMs: [0, 0],
    fetch: async (request) => {
      if ((await request.json()).type === COMPLETED && ++asked === 3) {
        enough.resolve();
      }
      return Response.redirect("http://shop.test/", 302);
    },
  });
  await buy(stage);
  await enough.promise;
  await stage.sandbox.idle();
  assert.equal(asked, 3);
});

Deno.test("while a secret is replaced, both sign", async () => {
  await using stage = await sandboxStage({
    webhookSecret: ["whsec_new", "whsec_tests_only"],
  });
  assert.ok((await buy(stage)).includes(COMPLETED));
  stage.sandbox.aim({ secrets: ["whsec_new"] });
  stage.events.length = 0;
  assert.deepEqual(await buy(stage), []);
});
