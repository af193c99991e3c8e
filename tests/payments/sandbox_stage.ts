import Stripe from "stripe";
import { type Sandbox, type SandboxSettings, startSandbox } from "@/lib/payments/sandbox/mod.ts";

export const SECRET = "whsec_tests_only";

/** An offline Stripe whose webhook is a function of the test, and the real SDK pointed at it. */
export async function sandboxStage(
  settings: Partial<SandboxSettings> = {},
): Promise<
  AsyncDisposable & { sandbox: Sandbox; stripe: Stripe; events: Stripe.Event[] }
> {
  const events: Stripe.Event[] = [];
  const sandbox = await startSandbox({
    webhookUrl: "http://shop.test/api/stripe/webhook",
    webhookSecret: SECRET,
    backOffMs: [],
    fetch: async (request) => {
      const payload = await request.text();
      const header = request.headers.get("stripe-signature")!;
      try {
        events.push(
          await stripe.webhooks.constructEventAsync(payload, header, SECRET),
        );
        return new Response("ok");
      } catch {
        return new Response("bad signature", { status: 400 });
      }
    },
    ...settings,
  });
  const stripe = sdk(sandbox);
  return {
    sandbox,
    stripe,
    events,
    [Symbol.asyncDispose]: () => sandbox.stop(),
  };
}

/** The real SDK, pointed at the sandbox. */
export function sdk(sandbox: Sandbox, apiKey = sandbox.secretKey): Stripe {
  return new Stripe(apiKey, {
    host: sandbox.host.hostname,
    port: sandbox.host.port,
    protocol: "http",
    maxNetworkRetries: 0,
    timeout: 5_000,
    telemetry: false,
  });
}

/** The parameters of a Quick Chat. */
export function quickChat(
  sandbox: Sandbox,
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Stripe.Checkout.SessionCreateParams {
  return {
    mode: "payment",
    line_items: [{ price: sandbox.prices.chat10, quantity: 1 }],
    success_url: "http://shop.test/checkout/success?session_id={CHECKOUT_SESSION_ID}",
    cancel_url: "http://shop.test/start?plan=chat10&cancelled=1",
    allow_promotion_codes: true,
    ...more,
  };
}

/** What a buyer types who means well. */
export const GOOD_CARD = {
  action: "pay",
  email: "olive@example.com",
  method: "card",
  number: "4242 4242 4242 4242",
  expiry: "12 / 40",
  cvc: "123",
};

/** Presses a button of the hosted page; redirects are not followed. */
export function press(
  url: string,
  fields: Record<string, string>,
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
}

/** Presses, and says where it led. */
export async function pressAndGo(
  url: string,
  fields: Record<string, string>,
): Promise<string | null> {
  const response = await press(url, fields);
  await response.body?.cancel();
  return response.headers.get("location");
}
