import assert from "node:assert/strict";
import { Stripe } from "stripe";
import type { TestApp, Visitor } from "../support/app.ts";
import { GOOD_CARD, press, sdk } from "./sandbox_stage.ts";

/** A trip to the pay page. */
export interface Trip {
  url: string;
  stripeId: string;
}

/** How a checkout of ours stands, as the administrator sees it. */
export interface CheckoutRow {
  id: string;
  status: string;
  plan: string;
  session_id: string | null;
}

/** Presses a plan's button, and ends on Stripe's page. */
export async function goToPay(buyer: Visitor, plan = "chat10"): Promise<Trip> {
  const response = await buyer.get(`/api/checkout?plan=${plan}`);
  await response.body?.cancel();
  assert.equal(response.status, 303);
  return tripTo(response.headers.get("location")!);
}

/** What a URL of the pay page names. */
export function tripTo(url: string): Trip {
  const stripeId = /\/c\/pay\/(cs_test_\w+)$/.exec(new URL(url).pathname)?.[1];
  assert.ok(stripeId, `${url} is no pay page`);
  return { url, stripeId };
}

/** Pays on Stripe's page, by card unless told otherwise, and says where that leads. */
export async function pay(trip: Trip, fields: Record<string, string> = {}): Promise<string> {
  const response = await press(trip.url, { ...GOOD_CARD, ...fields });
  await response.body?.cancel();
  assert.equal(response.status, 303);
  return response.headers.get("location")!;
}

/** Follows our own redirects from `path` to the page at their end. */
export async function arrive(
  buyer: Visitor,
  path: string,
): Promise<{ path: string; status: number; text: string }> {
  for (let hops = 0; hops < 5; hops++) {
    const response = await buyer.get(path);
    const location = response.headers.get("location");
    if (response.status !== 303 || !location) {
      return { path, status: response.status, text: await response.text() };
    }
    await response.body?.cancel();
    const next = new URL(location, new URL(path, "http://here.invalid"));
    path = next.pathname + next.search;
  }
  throw new Error(`${path} leads nowhere`);
}

/** Answers of ours, with the redirect they make. */
export async function answerOf(
  response: Promise<Response>,
): Promise<{ status: number; location: string | null; text: string }> {
  const { status, headers, ...rest } = await response.then(async (answer) => ({
    status: answer.status,
    headers: answer.headers,
    text: await answer.text(),
  }));
  return { status, location: headers.get("location"), text: rest.text };
}

/** The row of one trip. */
export async function checkoutOf(app: TestApp, { stripeId }: Trip): Promise<CheckoutRow> {
  const [row] = await app.sql<CheckoutRow>(
    "select id, status, plan, session_id from app.checkouts where stripe_id = $1",
    [stripeId],
  );
  return row;
}

/** How many sessions the buyer of a trip has a seat in. */
export async function sessionCount(app: TestApp, { stripeId }: Trip): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    `select count(*)::int as count from app.session_participants p
     where p.user_id = (select user_id from app.checkouts where stripe_id = $1)`,
    [stripeId],
  );
  return row.count;
}

/** What was made of the events of one type that concern a trip. */
export async function outcomes(app: TestApp, { stripeId }: Trip, type: string): Promise<string[]> {
  const rows = await app.sql<{ outcome: string }>(
    `select outcome from private.stripe_events
     where type = $1 and payload #>> '{data,object,id}' = $2 order by received_at`,
    [type, stripeId],
  );
  return rows.map(({ outcome }) => outcome);
}

/** The real SDK, for what a test wants to know of Stripe. */
export function stripeOf(app: TestApp): Stripe {
  return sdk(app.sandbox);
}

/** Waits for what a job does: looks until `look` sees something. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("it never happened");
}
