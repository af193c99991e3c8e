import type Stripe from "stripe";
import { backstage, type Login, reading } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import type { SessionType } from "@/lib/plans.ts";
import { isAway, stripe } from "./stripe.ts";

/** How a buyer's checkout stands. */
export interface CheckoutView {
  status: "open" | "pending" | "paid" | "expired" | "failed" | "refused" | "refunded";
  plan: string;
  /** Paid for an intake that had been paid for: this money goes back. */
  isDuplicate: boolean;
  sessionId: string | null;
  type: SessionType | null;
  route: string | null;
}

/** The same, after Stripe was asked where need be. */
export interface ConfirmedView extends CheckoutView {
  /** Why nothing was paid, as `/start?problem=` names it; null while it may still be or was. */
  problem: "cancelled" | "declined" | "expired" | "failed" | null;
}

/** Why a checkout bought no session and will not, for its buyer to read. */
export const WHY_NOT_PAID: Partial<Record<CheckoutView["status"], string>> = {
  expired: "The pay page was open for too long, and nothing was charged.",
  failed: "The payment did not go through, and nothing was charged.",
  refused: "The payment was not the price of the plan. A person is looking at it.",
};

/**
 * How the checkout stands that Stripe calls `stripeId`. When the webhook has not told yet, Stripe
 * is asked, at most every two seconds, and the same fulfilment runs. Raises NTFND for everybody
 * but its buyer, and then Stripe is not asked either.
 */
export async function confirmCheckout(login: Login, stripeId: string): Promise<ConfirmedView> {
  const known = await checkoutState(login, stripeId);
  switch (known.status) {
    case "paid":
    case "refunded":
    case "refused":
      return { ...known, problem: null };
    case "failed":
      return { ...known, problem: "failed" };
  }

  const unasked = { ...known, problem: known.status === "expired" ? "expired" as const : null };
  if (!await mayAsk(stripeId)) return unasked;
  let checkout;
  try {
    checkout = await askStripe(stripeId);
  } catch (error) {
    if (!isAway(error)) throw error;
    console.warn("Stripe does not answer; the webhook will tell, or the next try");
    return unasked;
  }
  await fulfil(checkout);
  const now = await checkoutState(login, stripeId);
  return { ...now, problem: problemOf(checkout, now) };
}

/** A Checkout Session as Stripe has it now, with all that fulfilment looks at. */
export function askStripe(stripeId: string): Promise<Stripe.Checkout.Session> {
  return stripe().checkout.sessions.retrieve(stripeId, {
    expand: ["line_items", "payment_intent.latest_charge"],
  });
}

/** Does what a Checkout Session of Stripe's calls for: nothing while it is unpaid, and otherwise once. */
export async function fulfil(checkout: Stripe.Checkout.Session): Promise<void> {
  const [{ result }] = await backstage((tx) =>
    tx<{ result: { outcome: string; note?: string } }>`
      select api.fulfil_checkout(${JSON.stringify(checkout)}) as result`
  );
  reportKeptAside(checkout.id, result);
}

/** Says in the log that a payment needs a person: it is kept, but bought nothing. */
export function reportKeptAside(id: string, result: { outcome: string; note?: string }): void {
  if (result.outcome === "kept_aside") console.warn(`payment ${id} kept aside: ${result.note}`);
}

/** Whether it is ours to ask Stripe: pages that are looked at again and again would ask all day. */
async function mayAsk(stripeId: string): Promise<boolean> {
  const [{ claimed }] = await backstage((tx) =>
    tx<{ claimed: boolean }>`select api.claim_asking(${stripeId}) as claimed`
  );
  return claimed;
}

async function checkoutState(login: Login, stripeId: string): Promise<CheckoutView> {
  // Whoever is signed out is as much a stranger as anybody else.
  if (login.proof === null || !/^cs_\w{1,250}$/.test(stripeId)) throw new Refusal("NTFND");
  try {
    const [{ state }] = await reading(
      login,
      (tx) => tx<{ state: CheckoutView }>`select api.checkout_state(${stripeId}) as state`,
    );
    return state;
  } catch (error) {
    if (error instanceof Refusal && error.code === "LOGIN") throw new Refusal("NTFND");
    throw error;
  }
}

function problemOf(
  checkout: Stripe.Checkout.Session,
  { status }: CheckoutView,
): ConfirmedView["problem"] {
  if (status === "expired" || status === "failed") return status;
  if (status !== "open" || checkout.status !== "open") return null;
  const intent = checkout.payment_intent;
  const wasDeclined = intent !== null && typeof intent === "object" && intent.last_payment_error;
  return wasDeclined ? "declined" : "cancelled";
}
