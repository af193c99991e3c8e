import type Stripe from "stripe";
import type { Card } from "./cards.ts";
import { findSession } from "./checkout.ts";
import {
  customerDetails,
  makeCharge,
  makePaymentIntent,
  type PaymentMethodDetails,
} from "./objects.ts";
import { emit, type World } from "./world.ts";

type Session = Stripe.Checkout.Session;

/** Completes a session that costs nothing: there is no payment behind it. */
export function completeFree(world: World, session: Session, email: string): Stripe.Event {
  return complete(world, session, email, "no_payment_required");
}

/** Takes the money by card and completes the session. */
export function payByCard(
  world: World,
  session: Session,
  email: string,
  card: Pick<Card, "brand" | "last4" | "expMonth" | "expYear">,
): Stripe.Event {
  const intent = intentOf(world, session, "card");
  const charge = makeCharge(world, intent, {
    status: "succeeded",
    email,
    details: cardDetails(card),
  });
  intent.status = "succeeded";
  intent.amount_received = intent.amount;
  intent.latest_charge = charge.id;
  intent.next_action = null;
  intent.last_payment_error = null;
  emit(world, "payment_intent.succeeded", intent);
  emit(world, "charge.succeeded", charge);
  return complete(world, session, email, "paid");
}

/** Notes that the issuer said no; the session stays open. */
export function declineCard(
  world: World,
  session: Session,
  email: string,
  card: Card & { outcome: { declineCode: string; code: string; message: string } },
): void {
  const intent = intentOf(world, session, "card");
  const charge = makeCharge(world, intent, {
    status: "failed",
    email,
    details: cardDetails(card),
    failure: card.outcome,
  });
  intent.latest_charge = charge.id;
  failIntent(world, intent, {
    type: "card_error",
    code: card.outcome.code,
    decline_code: card.outcome.declineCode,
    message: card.outcome.message,
    charge: charge.id,
  });
  emit(world, "charge.failed", charge);
}

/** The issuer wants to see the buyer first. */
export function askFor3ds(world: World, session: Session, card: Card): void {
  const intent = intentOf(world, session, "card");
  intent.status = "requires_action";
  const { brand, last4, expMonth, expYear } = card;
  world.store.data.pages[session.id].awaits3ds = { brand, last4, expMonth, expYear };
  emit(world, "payment_intent.requires_action", intent);
}

/** The buyer did not get through 3-D Secure; the session stays open. */
export function fail3ds(world: World, session: Session): void {
  delete world.store.data.pages[session.id].awaits3ds;
  failIntent(world, intentOf(world, session, "card"), {
    type: "card_error",
    code: "payment_intent_authentication_failure",
    message: "We are unable to authenticate your payment method.",
  });
}

/** Completes a session whose money comes later, if it comes. */
export function payLater(world: World, session: Session, email: string): Stripe.Event {
  const intent = intentOf(world, session, "us_bank_account");
  const charge = makeCharge(world, intent, {
    status: "pending",
    email,
    details: {
      type: "us_bank_account",
      us_bank_account: { bank_name: "STRIPE TEST BANK", last4: "6789" },
    },
  });
  intent.status = "processing";
  intent.latest_charge = charge.id;
  emit(world, "payment_intent.processing", intent);
  emit(world, "charge.pending", charge);
  return complete(world, session, email, "unpaid");
}

/** The bank transfer arrives, or does not. */
export function settleDelayed(
  world: World,
  sessionId: string,
  outcome: "succeeded" | "failed",
): Stripe.Event {
  const session = findSession(world, sessionId);
  const intent = typeof session.payment_intent === "string"
    ? world.store.get("payment_intent", session.payment_intent)
    : null;
  if (intent?.status !== "processing") {
    throw new Error(`Cannot settle ${sessionId}: no delayed payment is under way in it`);
  }
  const charge = world.store.get("charge", intent.latest_charge as string);
  if (outcome === "failed") {
    charge.status = "failed";
    charge.failure_code = "insufficient_funds";
    charge.failure_message = "The bank account has insufficient funds.";
    failIntent(world, intent, {
      type: "invalid_request_error",
      code: "payment_intent_payment_attempt_failed",
      message: "The payment failed.",
      charge: charge.id,
    });
    emit(world, "charge.failed", charge);
    return emit(world, "checkout.session.async_payment_failed", session);
  }
  Object.assign(charge, {
    status: "succeeded",
    paid: true,
    captured: true,
    amount_captured: charge.amount,
    balance_transaction: world.store.newId("txn"),
  });
  Object.assign(intent, { status: "succeeded", amount_received: intent.amount });
  session.payment_status = "paid";
  emit(world, "payment_intent.succeeded", intent);
  emit(world, "charge.succeeded", charge);
  return emit(world, "checkout.session.async_payment_succeeded", session);
}

function complete(
  world: World,
  session: Session,
  email: string,
  paymentStatus: "paid" | "unpaid" | "no_payment_required",
): Stripe.Event {
  session.status = "complete";
  session.payment_status = paymentStatus;
  session.customer_details = customerDetails(email);
  session.url = null;
  delete world.store.data.pages[session.id].awaits3ds;
  world.store.touched();
  return emit(world, "checkout.session.completed", session);
}

/** The one payment intent of a session, made at the first attempt as Stripe does since 2022-08-01. */
function intentOf(world: World, session: Session, method: string): Stripe.PaymentIntent {
  if (typeof session.payment_intent === "string") {
    const intent = world.store.get("payment_intent", session.payment_intent);
    intent.amount = session.amount_total!;
    intent.payment_method = world.store.newId("pm");
    return intent;
  }
  const intent = makePaymentIntent(world, session, method);
  intent.payment_method = world.store.newId("pm");
  session.payment_intent = intent.id;
  emit(world, "payment_intent.created", world.store.put<"payment_intent">(intent));
  return intent;
}

function failIntent(
  world: World,
  intent: Stripe.PaymentIntent,
  why: Record<string, unknown>,
): void {
  intent.status = "requires_payment_method";
  intent.payment_method = null;
  intent.last_payment_error = why as unknown as Stripe.PaymentIntent.LastPaymentError;
  emit(world, "payment_intent.payment_failed", intent);
}

function cardDetails(
  card: Pick<Card, "brand" | "last4" | "expMonth" | "expYear">,
): PaymentMethodDetails {
  const { brand, last4, expMonth, expYear } = card;
  return { type: "card", card: { brand, last4, exp_month: expMonth, exp_year: expYear } };
}
