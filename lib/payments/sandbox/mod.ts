/**
 * An offline Stripe: the same `stripe` SDK talks to it by host, port and protocol, people pay on its hosted page, and
 * signed webhooks come back. Tests order what should go wrong. Of a card it keeps the brand and the last four digits.
 *
 * @module
 */
import Stripe from "stripe";
import { answerApi } from "./api.ts";
import { sweep } from "./checkout.ts";
import { Faults } from "./faults.ts";
import { makePrice, payPageUrl } from "./objects.ts";
import { answerPage } from "./pay_page.ts";
import { settleDelayed } from "./paying.ts";
import { openDispute, settleRefund } from "./refunds.ts";
import { Store } from "./store.ts";
import { Courier, type Delivery } from "./webhooks.ts";
import type { World } from "./world.ts";

export type { ApiFault, Faults, RefundFault, WebhookFault } from "./faults.ts";
export type { Delivery } from "./webhooks.ts";

/** The plans' prices in the sandbox, in cents. */
const PRICES = [
  { plan: "chat10", name: "Quick Chat", amount: 999 },
  { plan: "video15", name: "Live Video", amount: 2999 },
  { plan: "diagnostic", name: "Diagnostic", amount: 4999 },
] as const;
const REQUESTS_KEPT = 1000;
const SWEPT_EVERY_MS = 15_000;

/** How to start an offline Stripe. */
export interface SandboxSettings {
  /** The port to listen on; without one, that of the last run when it is free, and otherwise any. */
  port?: number;
  webhookUrl: string | URL;
  /** Several while one replaces the other: each signs. */
  webhookSecret: string | string[];
  /** Where to keep everything between runs; in memory only without it. */
  dataFile?: string;
  /** Takes events to the webhook instead of the network: `app.handler()`, say. */
  fetch?: (request: Request) => Promise<Response>;
  /** How long after each failed delivery the next is tried; none at all when empty. */
  backOffMs?: number[];
  /** The sandbox's clock. */
  now?: () => Date;
}

/** A running offline Stripe. */
export interface Sandbox extends AsyncDisposable {
  /** What the SDK is given as host, port and protocol. */
  readonly host: URL;
  readonly secretKey: string;
  readonly prices: { chat10: string; video15: string; diagnostic: string };
  /** What should go wrong next. */
  readonly faults: Faults;
  /** Every request to the API so far, as `METHOD /path` and the status of its answer. */
  readonly requests: readonly { name: string; status: number }[];
  /** Every attempt to deliver an event so far. */
  readonly deliveries: readonly Delivery[];
  /** Points the webhook elsewhere, or changes its secrets, while running. */
  aim(webhook: { url?: string | URL; secrets?: string[] }): void;
  /** Resolves when no event is on its way. */
  idle(): Promise<void>;
  /** Delivers the events that were ordered to be late. */
  release(): Promise<void>;
  /** Delivers an event once more. */
  resend(eventId: string): Promise<void>;
  /** Ends a delayed payment one way or the other. */
  settle(sessionId: string, outcome: "succeeded" | "failed"): Promise<void>;
  /** Ends a pending refund one way or the other. */
  settleRefund(refundId: string, outcome: "succeeded" | "failed"): Promise<void>;
  /** Has the buyer's bank take the money back. */
  dispute(paymentIntentId: string, reason?: string): Promise<void>;
  /** Expires what is over by the sandbox's clock; it does so by itself every quarter of a minute. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an offline Stripe on the loopback interface. */
export async function startSandbox(settings: SandboxSettings): Promise<Sandbox> {
  const store = await Store.open(settings.dataFile);
  const faults = new Faults();
  const now = settings.now ?? (() => new Date());
  const courier = new Courier({
    store,
    faults,
    url: settings.webhookUrl,
    secrets: [settings.webhookSecret].flat(),
    backOffMs: settings.backOffMs,
    fetch: settings.fetch,
    now,
  });
  const world: World = {
    store,
    faults,
    courier,
    requests: [],
    apiVersion: Stripe.API_VERSION,
    host: new URL("http://unset"),
    now,
  };

  const server = listen(settings.port ?? store.data.port, (request) => answer(world, request));
  world.host = new URL(`http://127.0.0.1:${server.addr.port}`);
  store.data.port = server.addr.port;
  const prices = seed(world);
  const timer = setInterval(() => sweep(world), SWEPT_EVERY_MS);
  Deno.unrefTimer(timer);
  courier.resume();
  store.flush();

  async function stop(): Promise<void> {
    clearInterval(timer);
    faults.end();
    await courier.stop();
    await server.shutdown();
    store.flush();
  }

  return {
    host: world.host,
    secretKey: store.data.secretKey,
    prices,
    faults,
    requests: world.requests,
    deliveries: courier.deliveries,
    aim({ url, secrets }) {
      courier.url = url ?? courier.url;
      courier.secrets = secrets ?? courier.secrets;
    },
    idle: () => courier.idle(),
    release: () => courier.release(),
    resend: (eventId) => courier.resend(eventId),
    async settle(sessionId, outcome) {
      settleDelayed(world, sessionId, outcome);
      await courier.idle();
    },
    async settleRefund(refundId, outcome) {
      settleRefund(world, refundId, outcome);
      await courier.idle();
    },
    async dispute(paymentIntentId, reason = "fraudulent") {
      openDispute(world, paymentIntentId, reason);
      await courier.idle();
    },
    async sweep() {
      sweep(world);
      await courier.idle();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function answer(world: World, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith("/v1/")) return await answerPage(world, request);
  const response = await answerApi(world, request);
  world.requests.push({ name: `${request.method} ${pathname}`, status: response.status });
  if (world.requests.length > REQUESTS_KEPT) world.requests.shift();
  return response;
}

/** Listens on the wished port, or on any when that one is taken. */
function listen(port: number, handler: (request: Request) => Promise<Response>) {
  const options = { hostname: "127.0.0.1", onListen: () => {} };
  try {
    return Deno.serve({ ...options, port }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return Deno.serve({ ...options, port: 0 }, handler);
  }
}

/** The three prices, made on the first run; and the addresses of pages that are still open, should the port be another. */
function seed(world: World): Sandbox["prices"] {
  for (const { plan, name, amount } of PRICES) {
    const id = `price_sandbox_${plan}`;
    if (!world.store.find(id)) {
      makePrice(world, { id, name, amount, currency: "usd", metadata: { plan } });
    }
  }
  for (const session of world.store.all("checkout.session")) {
    if (session.status === "open") session.url = payPageUrl(world, session.id);
  }
  return {
    chat10: "price_sandbox_chat10",
    video15: "price_sandbox_video15",
    diagnostic: "price_sandbox_diagnostic",
  };
}
