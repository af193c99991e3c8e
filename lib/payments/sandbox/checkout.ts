import type Stripe from "stripe";
import type { Card } from "./cards.ts";
import { invalid } from "./failures.ts";
import {
  customerDetails,
  makeCharge,
  makeLineItem,
  makePaymentIntent,
  makePrice,
  makeSession,
} from "./objects.ts";
import type { PaymentMethodDetails } from "./objects.ts";
import {
  flag,
  integer,
  metadata,
  onlyKnown,
  type Params,
  required,
  text,
  texts,
} from "./params.ts";
import { emit, seconds, type World } from "./world.ts";

type Session = Stripe.Checkout.Session;

/** Promotion codes of the demo shop, and the per cent they take off. */
export const PROMOTION_CODES: Record<string, number> = { FREE100: 100, HALF50: 50 };

const HALF_HOUR_S = 30 * 60;
const DAY_S = 24 * 60 * 60;
const KNOWN = [
  "allow_promotion_codes",
  "allowed_payment_method_types",
  "cancel_url",
  "client_reference_id",
  "currency",
  "customer_creation",
  "customer_email",
  "expand",
  "expires_at",
  "line_items",
  "locale",
  "metadata",
  "mode",
  "payment_intent_data",
  "submit_type",
  "success_url",
  "ui_mode",
];

/** POST /v1/checkout/sessions. https://docs.stripe.com/api/checkout/sessions/create */
export function createSession(world: World, params: Params): Session {
  onlyKnown(params, KNOWN);
  const mode = required(params, "mode");
  if (mode !== "payment") throw invalid("The offline Stripe knows the mode 'payment' only", "mode");
  if ((text(params, "ui_mode") ?? "hosted_page") !== "hosted_page") {
    throw invalid("The offline Stripe knows the hosted page only", "ui_mode");
  }

  const lineItems = readLineItems(world, params);
  const currency = lineItems[0].currency;
  if (lineItems.some((line) => line.currency !== currency)) {
    throw invalid("All line items must have the same currency", "line_items");
  }

  const created = seconds(world);
  const expiresAt = integer(params, "expires_at") ?? created + DAY_S;
  if (expiresAt < created + HALF_HOUR_S) {
    throw invalid(
      "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
      "expires_at",
    );
  }
  if (expiresAt > created + DAY_S) {
    throw invalid(
      "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
      "expires_at",
    );
  }

  const customerEmail = text(params, "customer_email") ?? null;
  if (customerEmail !== null && !isEmail(customerEmail)) {
    throw invalid(`Invalid email address: ${customerEmail}`, "customer_email", "email_invalid");
  }

  const allowed = texts(params, "allowed_payment_method_types");
  const session = makeSession(world, {
    lineItems,
    currency,
    expiresAt,
    successUrl: checkUrl(required(params, "success_url"), "success_url"),
    cancelUrl: text(params, "cancel_url") === undefined
      ? null
      : checkUrl(required(params, "cancel_url"), "cancel_url"),
    clientReferenceId: text(params, "client_reference_id", 200) ?? null,
    customerEmail,
    metadata: metadata(params),
    allowPromotionCodes: flag(params, "allow_promotion_codes") ?? null,
    allowedPaymentMethodTypes: allowed.length > 0 ? allowed : null,
    submitType: text(params, "submit_type") ?? null,
    locale: text(params, "locale") ?? null,
  });
  world.store.data.pages[session.id] = {
    lineItems,
    allowsDelayed: session.payment_method_types.includes("us_bank_account"),
    email: customerEmail ?? undefined,
  };
  return world.store.put<"checkout.session">(session);
}

/** A session as it is by now: one whose time is over has expired, whether or not anybody looked. */
export function findSession(world: World, id: string): Session {
  const session = world.store.get("checkout.session", id);
  if (session.status === "open" && session.expires_at <= seconds(world)) {
    markExpired(world, session);
  }
  return session;
}

/** Ends the sessions whose time is over. */
export function sweep(world: World): void {
  for (const session of world.store.all("checkout.session")) findSession(world, session.id);
}

/** POST /v1/checkout/sessions/:id/expire. Only an open one can. */
export function expireSession(world: World, id: string): Session {
  const session = findSession(world, id);
  if (session.status !== "open") {
    throw invalid(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
    );
  }
  return markExpired(world, session);
}

function markExpired(world: World, session: Session): Session {
  session.status = "expired";
  session.url = null;
  delete world.store.data.pages[session.id].awaits3ds;
  emit(world, "checkout.session.expired", session);
  world.store.touched();
  return session;
}

/** Puts a promotion code on an open session; false when there is no such code. */
export function applyPromotion(world: World, session: Session, code: string): boolean {
  const name = code.trim().toUpperCase();
  const percent = Object.hasOwn(PROMOTION_CODES, name) ? PROMOTION_CODES[name] : undefined;
  if (!session.allow_promotion_codes || percent === undefined) return false;
  world.store.data.pages[session.id].promotionCode = name;
  discount(world, session, percent, name);
  return true;
}

/** Takes the promotion code off again. */
export function removePromotion(world: World, session: Session): void {
  delete world.store.data.pages[session.id].promotionCode;
  discount(world, session, 0, null);
}

function discount(world: World, session: Session, percent: number, name: string | null): void {
  for (const line of world.store.data.pages[session.id].lineItems) {
    line.amount_discount = Math.round(line.amount_subtotal * percent / 100);
    line.amount_total = line.amount_subtotal - line.amount_discount;
  }
  const taken = world.store.data.pages[session.id].lineItems.reduce(
    (sum, line) => sum + line.amount_discount,
    0,
  );
  session.amount_total = session.amount_subtotal! - taken;
  session.total_details!.amount_discount = taken;
  session.discounts = name === null ? [] : [{ coupon: null, promotion_code: `promo_${name}` }];
  world.store.touched();
}

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

function readLineItems(world: World, params: Params): Stripe.LineItem[] {
  const given = params.line_items;
  if (!Array.isArray(given) || given.length === 0) {
    throw invalid("Missing required param: line_items.", "line_items", "parameter_missing");
  }
  return given.map((line, at) => {
    if (typeof line !== "object" || Array.isArray(line)) {
      throw invalid("Invalid object", `line_items[${at}]`);
    }
    const quantity = integer(line, "quantity") ?? 1;
    if (quantity < 1) {
      throw invalid("Invalid integer: must be at least 1", `line_items[${at}][quantity]`);
    }
    return makeLineItem(world, readPrice(world, line, at), quantity);
  });
}

function readPrice(world: World, line: Params, at: number): Stripe.Price {
  const inline = line.price_data;
  if (typeof inline !== "object" || Array.isArray(inline)) {
    const price = world.store.find(required(line, "price"));
    if (price?.object !== "price") {
      throw invalid(
        `No such price: '${line.price}'`,
        `line_items[${at}][price]`,
        "resource_missing",
      );
    }
    if (!price.active) {
      throw invalid("The price specified is inactive.", `line_items[${at}][price]`);
    }
    return price;
  }
  const product = inline.product_data;
  return makePrice(world, {
    name: typeof product === "object" && !Array.isArray(product)
      ? required(product, "name")
      : "Something",
    amount: integer(inline, "unit_amount") ?? 0,
    currency: required(inline, "currency"),
  });
}

/** An address with a dot behind its @, as the page itself asks for. */
export function isEmail(email: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email);
}

function checkUrl(url: string, param: string): string {
  // The placeholder's braces are kept, so that it can be replaced later.
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw invalid("Not a valid URL", param, "url_invalid");
  }
  return url;
}
