import type Stripe from "stripe";
import { invalid } from "./failures.ts";
import { makeLineItem, makePrice, makeSession } from "./objects.ts";
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
const PROMOTION_CODES: Record<string, number> = { FREE100: 100, HALF50: 50 };

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
