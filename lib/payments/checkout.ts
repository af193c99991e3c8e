import { createHash } from "node:crypto";
import Stripe from "stripe";
import { backstage, type Login, reading, writing } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { environment } from "@/lib/environment.ts";
import { userOrGuest } from "@/lib/logins.ts";
import { askStripe, fulfil } from "./fulfilment.ts";
import { isAway, stripe } from "./stripe.ts";

/** Where to send the buyer, and the cookie of the guest they have become, if they have. */
export interface WayToPay {
  url: string;
  cookie: string | null;
}

/** What the database says of the caller's one payable checkout for a plan. */
interface Opened {
  checkoutId: string;
  stripeId: string | null;
  url: string | null;
  plan: keyof ReturnType<typeof environment>["stripePrices"];
  intakeId: string;
  userId: string;
  email: string | null;
  expiresAt: string;
  supersedes: string[];
}

/** Two tabs may undo each other's checkout; they do not do so for ever. */
const TRIES = 3;

/**
 * The way to Stripe's pay page for a plan; a visitor becomes a guest on it. Where Stripe does not
 * answer it leads back to the intake, which says so. Raises NPLAN, SLOWD.
 */
export async function wayToPay(
  login: Login,
  { plan, client }: { plan: string; client: string },
): Promise<WayToPay> {
  await refuseUnknownPlan(login, plan);
  const buyer = await userOrGuest(login, client);
  try {
    return { url: await openCheckout(buyer.login, plan), cookie: buyer.cookie };
  } catch (error) {
    if (!isAway(error)) throw error;
    console.warn("Stripe does not answer: nobody can go and pay");
    return { url: `/start?plan=${plan}&problem=away`, cookie: buyer.cookie };
  }
}

/**
 * This login's open pay page for a plan, made or found again. Raises LOGIN, NPLAN. When it turns
 * out that the intake was paid for already, where that led.
 */
export async function openCheckout(login: Login, plan: string): Promise<string> {
  for (let tries = 0; tries < TRIES; tries++) {
    const [{ opened }] = await writing(
      login,
      (tx) => tx<{ opened: Opened }>`select api.open_checkout(${plan}) as opened`,
    );
    for (const stripeId of opened.supersedes) {
      // Paid in another tab a moment ago: that is the session, and nothing more is to be paid.
      if (await expire(stripeId) === "complete") return successPath(stripeId);
    }
    const url = opened.stripeId
      ? await urlAgain(opened.stripeId, opened.url)
      : await create(login, opened);
    if (url !== null) return url;
  }
  throw new Refusal("BUSY_");
}

/** Asks Stripe for a page, and keeps what it answers; null when the checkout was superseded meanwhile. */
async function create(login: Login, opened: Opened): Promise<string | null> {
  const params = termsOf(opened);
  // The same for everybody who asks for this checkout, so that two tabs at once get one page.
  const digest = createHash("sha256").update(JSON.stringify(params)).digest("hex").slice(0, 16);
  const idempotencyKey = `checkout-${opened.checkoutId}-${digest}`;
  const made = await stripe().checkout.sessions.create(params, { idempotencyKey });

  try {
    await backstage((tx) =>
      tx`select api.record_checkout(
        ${opened.checkoutId}, ${made.id}, ${made.url}, ${new Date(made.expires_at * 1000)})`
    );
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "NTFND")) throw error;
    await expire(made.id); // another page was recorded first
    return null;
  }
  const [{ status }] = await reading(
    login,
    (tx) => tx<{ status: string }>`select api.checkout_state(${made.id}) ->> 'status' as status`,
  );
  if (status === "open") return made.url;
  // Another plan was chosen while Stripe was being asked, and did not know of this page.
  return await expire(made.id) === "complete" ? successPath(made.id) : null;
}

/** The page that was made before, if it can still be paid; null when a new one is needed. */
async function urlAgain(stripeId: string, url: string | null): Promise<string | null> {
  let checkout;
  try {
    checkout = await askStripe(stripeId);
  } catch (error) {
    if (url === null || !isAway(error)) throw error;
    return url; // most likely it is as we left it
  }
  if (checkout.status === "open") return checkout.url;
  await fulfil(checkout);
  return checkout.status === "complete" ? successPath(stripeId) : null;
}

/** Makes sure that a page cannot be paid any more, or else fulfils what was paid. */
async function expire(stripeId: string): Promise<Stripe.Checkout.Session.Status | null> {
  let checkout;
  try {
    checkout = await stripe().checkout.sessions.expire(stripeId);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    checkout = await askStripe(stripeId); // it was not open: expired or complete
  }
  if (checkout.status === "complete") await fulfil(checkout);
  else await backstage((tx) => tx`select api.close_checkout(${stripeId}, 'expired')`);
  return checkout.status;
}

function termsOf(opened: Opened): Stripe.Checkout.SessionCreateParams {
  const { publicUrl, stripePrices } = environment();
  const cancelUrl = new URL(`/start?plan=${opened.plan}&cancelled=1`, publicUrl);
  return {
    mode: "payment",
    line_items: [{ price: stripePrices[opened.plan], quantity: 1 }],
    client_reference_id: opened.checkoutId,
    metadata: {
      checkout_id: opened.checkoutId,
      intake_id: opened.intakeId,
      plan: opened.plan,
      user_id: opened.userId,
    },
    ...(opened.email && { customer_email: opened.email }),
    allow_promotion_codes: true,
    // Not through URL, which would escape the braces that Stripe replaces.
    success_url: `${publicUrl.origin}/checkout/success?session_id={CHECKOUT_SESSION_ID}`,
    cancel_url: cancelUrl.href,
    expires_at: Math.floor(Date.parse(opened.expiresAt) / 1000),
  };
}

/** Before anybody becomes a guest for it. */
async function refuseUnknownPlan(login: Login, plan: string): Promise<void> {
  const plans = await reading(
    login,
    (tx) => tx<{ id: string }>`select id from app.plans order by position`,
  );
  const ids = plans.map(({ id }) => id);
  if (!ids.includes(plan)) throw new Refusal("NPLAN", `The plans are ${ids.join(", ")}.`);
}

function successPath(stripeId: string): string {
  return `/checkout/success?session_id=${stripeId}`;
}
