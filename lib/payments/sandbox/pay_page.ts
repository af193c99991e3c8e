import type Stripe from "stripe";
import { type Card, readCard } from "./cards.ts";
import { applyPromotion, findSession, isEmail, removePromotion, sweep } from "./checkout.ts";
import { StripeFailure } from "./failures.ts";
import {
  noteHtml,
  overviewHtml,
  payHtml,
  type PayView,
  receiptHtml,
  threeDsHtml,
} from "./pay_html.ts";
import {
  askFor3ds,
  completeFree,
  declineCard,
  fail3ds,
  payByCard,
  payLater,
  settleDelayed,
} from "./paying.ts";
import type { World } from "./world.ts";

type Session = Stripe.Checkout.Session;

/** Stripe holds the buyer back for so long while the webhook has not answered. */
const WEBHOOK_GETS_MS = 10_000;

/** Answers the pages a person sees: `/c/pay/:id`, its 3-D Secure page, `/receipts/:charge` and the overview at `/`. */
export async function answerPage(world: World, request: Request): Promise<Response> {
  const [, section, a, b] = new URL(request.url).pathname.split("/");
  const form = request.method === "POST" ? await request.formData() : undefined;
  try {
    if (section === "" && form) return settleFromOverview(world, form);
    if (section === "") return html(overview(world));
    if (section === "receipts") return html(receiptHtml(world.store.get("charge", a)));
    if (section === "c" && a === "pay") return await answerPay(world, findSession(world, b), form);
    if (section === "c" && a === "3ds") return await answer3ds(world, findSession(world, b), form);
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
  }
  return html(
    noteHtml("Not found", "There is no such page here. Perhaps the link was cut short."),
    404,
  );
}

async function answerPay(world: World, session: Session, form?: FormData): Promise<Response> {
  switch (session.status) {
    case "complete":
      // The button pressed twice, or a page kept open: they have paid, and once.
      if (form) return seeOther(successUrl(session));
      return html(noteHtml("You have already paid", "This order is complete.", {
        href: successUrl(session),
        name: "Continue",
      }));
    case "expired":
      return html(noteHtml(
        "This page has expired",
        "Nothing was charged. Please go back and start again.",
        session.cancel_url ? { href: session.cancel_url, name: "Back to Wrenchline" } : undefined,
      ));
  }
  switch (form?.get("action")) {
    case undefined:
      return html(payView(world, session));
    case "promotion":
      return promote(world, session, field(form!, "promotion"));
    case "remove_promotion":
      removePromotion(world, session);
      return seeOther(session.url!);
    default:
      return await pay(world, session, form!);
  }
}

function promote(world: World, session: Session, code: string): Response {
  if (applyPromotion(world, session, code)) return seeOther(session.url!);
  return html(
    payView(world, session, { problem: { field: "promotion", message: "This code is invalid." } }),
  );
}

async function pay(world: World, session: Session, form: FormData): Promise<Response> {
  // Stripe insists on an address. Who tries things out with a card in hand need not think of one.
  const email = field(form, "email") || "customer@example.com";
  const method = field(form, "method");
  world.store.data.pages[session.id].email = email;
  const refuse = (problem: { field: string; message: string }) =>
    html(payView(world, session, { method, problem }), 402);

  if (!isEmail(email)) return refuse({ field: "email", message: "Your email is incomplete." });
  if (session.amount_total === 0) {
    return await onward(world, session, completeFree(world, session, email));
  }
  if (method === "bank" && world.store.data.pages[session.id].allowsDelayed) {
    return await onward(world, session, payLater(world, session, email));
  }

  const card = readCard(
    { number: field(form, "number"), expiry: field(form, "expiry"), cvc: field(form, "cvc") },
    world.now(),
  );
  if ("field" in card) return refuse(card);
  if (card.outcome === "pays") {
    return await onward(world, session, payByCard(world, session, email, card));
  }
  if (card.outcome === "asks_for_3ds") {
    askFor3ds(world, session, card);
    return seeOther(new URL(`/c/3ds/${session.id}`, world.host).href);
  }
  declineCard(world, session, email, card as Card & { outcome: typeof card.outcome });
  return refuse({ field: "number", message: card.outcome.message });
}

async function answer3ds(world: World, session: Session, form?: FormData): Promise<Response> {
  const { awaits3ds: card, email } = world.store.data.pages[session.id];
  if (session.status === "complete" && form) return seeOther(successUrl(session));
  if (!card || session.status !== "open") return await answerPay(world, session);
  if (!form) return html(threeDsHtml(session, card.last4));
  if (form.get("action") === "complete") {
    return await onward(world, session, payByCard(world, session, email!, card));
  }
  fail3ds(world, session);
  return html(
    payView(world, session, {
      problem: {
        field: "number",
        message: "We are unable to authenticate your payment method. " +
          "Please choose a different payment method and try again.",
      },
    }, new URL(session.url!).pathname),
    402,
  );
}

/** On to the shop, once its webhook knows or has had its time. */
async function onward(world: World, session: Session, event: Stripe.Event): Promise<Response> {
  await world.courier.answered(event, WEBHOOK_GETS_MS);
  return seeOther(successUrl(session));
}

function successUrl(session: Session): string {
  return session.success_url!.replaceAll("{CHECKOUT_SESSION_ID}", session.id);
}

function payView(
  world: World,
  session: Session,
  more: Partial<PayView> = {},
  action?: string,
): string {
  const page = world.store.data.pages[session.id];
  const view = payHtml({
    session,
    lineItems: page.lineItems,
    allowsDelayed: page.allowsDelayed,
    promotionCode: page.promotionCode,
    email: page.email ?? "",
    ...more,
  });
  return action
    ? view.replaceAll('<form method="post"', `<form method="post" action="${action}"`)
    : view;
}

function overview(world: World): string {
  sweep(world);
  const sessions = world.store.all("checkout.session").slice(0, 30);
  const settling = sessions.filter((session) => {
    const intent = world.store.find(String(session.payment_intent));
    return intent?.object === "payment_intent" && intent.status === "processing";
  });
  return overviewHtml(sessions, new Set(settling.map((session) => session.id)));
}

function settleFromOverview(world: World, form: FormData): Response {
  settleDelayed(
    world,
    field(form, "session"),
    form.get("outcome") === "failed" ? "failed" : "succeeded",
  );
  return seeOther("/");
}

function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}

function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}

function html(body: string, status = 200): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}
