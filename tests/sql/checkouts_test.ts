import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { onCopy } from "./backstage.ts";
import { open, type Opened } from "./stripe.ts";

Deno.test("save_intake() keeps one draft each, blanks allowed, and refuses what is too long", () =>
  onStage(async (tx) => {
    const save = async (t: StageTx, vehicle: string | null, complaint: string | null) =>
      (await t<{ id: string }>`select api.save_intake(${vehicle}, ${complaint}) as id`)[0].id;
    const draft = () => tx`select vehicle, complaint from app.intakes where session_id is null`;

    await actAs(tx, "olive");
    const id = await save(tx, null, null);
    assert.deepEqual(await draft(), [{ vehicle: "", complaint: "" }]);
    assert.equal(await save(tx, "  2009 Golf ", "It shakes\nat 50"), id);
    assert.deepEqual(await draft(), [{ vehicle: "2009 Golf", complaint: "It shakes\nat 50" }]);

    await assert.rejects(tx.savepoint((sp) => save(sp, "x".repeat(201), "")), { code: "TOOLG" });
    await assert.rejects(tx.savepoint((sp) => save(sp, "", "x".repeat(4001))), { code: "TOOLG" });
    await save(tx, "x".repeat(200), "x".repeat(4000));

    await actAs(tx, "oscar");
    assert.deepEqual(await draft(), [], "a draft is its writer's");
    await actAs(tx, "vic");
    await assert.rejects(tx.savepoint((sp) => save(sp, "", "")), { code: "42501" });
  }));

Deno.test("save_intake() does not touch an intake that was paid for", () =>
  onStage(async (tx, { session }) => {
    await actAs(tx, "olive");
    await tx`select api.save_intake('another car', '')`;
    assert.deepEqual(
      await tx`select vehicle from app.intakes where session_id = ${session}`,
      [{ vehicle: "2009 Golf" }],
    );
  }));

Deno.test("open_checkout() finds the open checkout again and carries our price", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "olive");
    const first = await open(tx, "chat10");
    assert.equal(first.priceCents, 999);
    assert.equal(first.currency, "usd");
    assert.equal(first.userId, users.olive);
    assert.equal(first.email, "olive@wrenchline.test");
    assert.deepEqual(first.supersedes, []);
    assert.deepEqual(await open(tx, "chat10"), first);
    await actAs(tx, "oscar");
    assert.notEqual((await open(tx, "chat10")).checkoutId, first.checkoutId);
  }));

Deno.test("open_checkout() supersedes what was open for another plan, an old price or soon expires", () =>
  onStage(async (tx) => {
    const record = async ({ checkoutId }: Opened, stripeId: string, minutes = 60) => {
      await actAs(tx, "backstage");
      await tx`select api.record_checkout(${checkoutId}, ${stripeId}, 'https://pay.example/', now() + make_interval(mins => ${minutes}))`;
      await actAs(tx, "olive");
    };
    await actAs(tx, "olive");
    await record(await open(tx, "chat10"), "cs_1");
    const again = await open(tx, "chat10");
    assert.deepEqual([again.stripeId, again.url], ["cs_1", "https://pay.example/"]);

    const video = await open(tx, "video15");
    assert.deepEqual([video.priceCents, video.supersedes], [2999, ["cs_1"]]);
    await record(video, "cs_2");
    await actAs(tx, "dba");
    await tx`update app.plans set price_cents = 3100 where id = 'video15'`;
    await actAs(tx, "olive");
    const dearer = await open(tx, "video15");
    assert.deepEqual(
      [dearer.priceCents, dearer.supersedes.sort()],
      [3100, ["cs_1", "cs_2"]],
      "nobody has told Stripe of the first yet",
    );
    await actAs(tx, "backstage");
    await tx`select api.close_checkout('cs_1', 'expired'), api.close_checkout('cs_2', 'expired')`;
    await actAs(tx, "olive");
    await record(dearer, "cs_3", 9);
    assert.deepEqual((await open(tx, "video15")).supersedes, ["cs_3"]);
    assert.deepEqual(
      await tx`select status, count(*)::int as times from app.checkouts group by status order by status`,
      [{ status: "expired", times: 3 }, { status: "opening", times: 1 }],
    );
  }));

Deno.test("open_checkout() names the plans when there is none of that name", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    for (const plan of ["chat11", "", null]) {
      await assert.rejects(tx.savepoint((sp) => open(sp, plan)), {
        code: "NPLAN",
        detail: "The plans are chat10, video15, diagnostic.",
      });
    }
    await open(tx, "diagnostic");
  }));

Deno.test("open_checkout() is for customers: whoever works here and visitors are refused", () =>
  onStage(async (tx) => {
    for (const who of ["marco", "dana"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint((sp) => open(sp, "chat10")), { code: "DNIED" });
    }
    await actAs(tx, "vic");
    await assert.rejects(tx.savepoint((sp) => open(sp, "chat10")), { code: "42501" });
    await actAs(tx, "olive");
    await open(tx, "chat10");
  }));

Deno.test("two tabs that open a checkout at once get the same one", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [left, right] = [await hand("olive"), await hand("olive")];
    await left.raw("begin");
    await right.raw("begin");
    const first = await open(left, "chat10");
    const second = open(right, "chat10");
    await isWaiting(right, second);
    await left.raw("commit");
    assert.deepEqual(await second, first);
    await right.raw("commit");

    await left.raw("begin"); // and for two plans, the later one stands
    await right.raw("begin");
    await open(left, "video15");
    const third = open(right, "diagnostic");
    await isWaiting(right, third);
    await left.raw("commit");
    await third;
    await right.raw("commit");
    const admin = await hand("admin");
    assert.deepEqual(
      await admin`select plan from app.checkouts where status in ('opening', 'open')`,
      [{ plan: "diagnostic" }],
    );
  }));

Deno.test("record_checkout() may be repeated, but never gives a checkout another id at Stripe", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const { checkoutId } = await open(tx, "chat10");
    const record = (t: StageTx, id: string, stripeId: string) =>
      t`select api.record_checkout(${id}, ${stripeId}, 'https://pay.example/', now() + interval '1 hour')`;
    await assert.rejects(tx.savepoint((sp) => record(sp, checkoutId, "cs_1")), { code: "42501" });
    await actAs(tx, "backstage");
    await record(tx, checkoutId, "cs_1");
    await record(tx, checkoutId, "cs_1");
    await assert.rejects(tx.savepoint((sp) => record(sp, checkoutId, "cs_2")), { code: "NTFND" });
    await assert.rejects(tx.savepoint((sp) => record(sp, crypto.randomUUID(), "cs_3")), {
      code: "NTFND",
    });
  }));

Deno.test("close_checkout() closes what was not paid, and only as expired or failed", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const { checkoutId } = await open(tx, "chat10");
    const status = async () => {
      await actAs(tx, "dba");
      const [row] = await tx<{ status: string }>`
        select status from app.checkouts where id = ${checkoutId}`;
      await actAs(tx, "backstage");
      return row.status;
    };
    await actAs(tx, "backstage");
    await tx`select api.record_checkout(${checkoutId}, 'cs_1', 'https://pay.example/', now() + interval '1 hour')`;
    await tx`select api.close_checkout('cs_unknown', 'expired')`;
    assert.equal(await status(), "open");
    for (const as of ["paid", "", null]) {
      await assert.rejects(
        tx.savepoint((sp) => sp`select api.close_checkout('cs_1', ${as})`),
        { code: "BADIN" },
      );
    }
    await tx`select api.close_checkout('cs_1', 'expired')`;
    assert.equal(await status(), "expired");
  }));

Deno.test("checkout_state() answers its buyer, and is not found by anybody else", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const { checkoutId } = await open(tx, "video15");
    await actAs(tx, "backstage");
    await tx`select api.record_checkout(${checkoutId}, 'cs_1', 'https://pay.example/', now() + interval '1 hour')`;
    const ask = async (t: StageTx) =>
      (await t<{ state: Record<string, unknown> }>`select api.checkout_state('cs_1') as state`)[0]
        .state;
    await actAs(tx, "olive");
    assert.deepEqual(await ask(tx), {
      status: "open",
      plan: "video15",
      isDuplicate: false,
      sessionId: null,
      type: null,
      route: null,
    });
    for (const who of ["oscar", "marco", "dana"] as const) {
      await actAs(tx, who);
      await assert.rejects(tx.savepoint(ask), { code: "NTFND" }, who);
    }
    await actAs(tx, "vic");
    await assert.rejects(tx.savepoint(ask), { code: "42501" });
  }));

Deno.test("open_checkout() makes thirty checkouts in ten minutes for one user, and finds one again as often as asked", () =>
  onStage(async (tx) => {
    await actAs(tx, "olive");
    const plan = (n: number) => n % 2 ? "chat10" : "video15";
    for (let n = 1; n <= 30; n++) await open(tx, plan(n));
    await assert.rejects(tx.savepoint((sp) => open(sp, "diagnostic")), { code: "SLOWD" });
    for (let n = 0; n < 40; n++) await open(tx, plan(30)); // the same page again is free
    await actAs(tx, "oscar");
    await open(tx, "diagnostic");

    await actAs(tx, "admin");
    await tx`update private.rate_limits set started_at = started_at - interval '11 minutes' where what = 'go to pay'`;
    await actAs(tx, "olive");
    await open(tx, "diagnostic");
  }));

Deno.test("claim_asking() is true to one caller every two seconds, for each checkout", () =>
  onStage(async (tx) => {
    const claim = async (t: StageTx, stripeId: string) =>
      (await t<{ claimed: boolean }>`select api.claim_asking(${stripeId}) as claimed`)[0].claimed;
    for (const [who, stripeId] of [["olive", "cs_1"], ["oscar", "cs_2"]] as const) {
      await actAs(tx, who);
      const { checkoutId } = await open(tx, "chat10");
      await assert.rejects(tx.savepoint((sp) => claim(sp, stripeId)), { code: "42501" });
      await actAs(tx, "backstage");
      await tx`select api.record_checkout(${checkoutId}, ${stripeId}, 'https://pay.example/', now() + interval '1 hour')`;
    }
    assert.equal(await claim(tx, "cs_1"), true);
    assert.equal(await claim(tx, "cs_1"), false);
    assert.equal(await claim(tx, "cs_2"), true);
    assert.equal(await claim(tx, "cs_unknown"), false);
    await actAs(tx, "admin");
    await tx`update app.checkouts set asked_at = asked_at - interval '2 seconds' where stripe_id = 'cs_1'`;
    await actAs(tx, "backstage");
    assert.equal(await claim(tx, "cs_1"), true);
    assert.equal(await claim(tx, "cs_2"), false);
  }));
