import Stripe from "stripe";
import { type Environment, environment } from "@/lib/environment.ts";

/** One try takes no longer; two more follow it. A person may be waiting. */
const ANSWERS_WITHIN_MS = 8_000;

/** The SDK, for the account of the present environment: Stripe's own, or the offline one when it has a host. */
export function stripe(): Stripe {
  const current = environment();
  if (client?.of !== current) client = { of: current, sdk: connect(current) };
  return client.sdk;
}

/** Whether Stripe could not be asked, rather than said no: worth another try. */
export function isAway(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError &&
    (error.statusCode === undefined || error.statusCode === 409 || error.statusCode === 429 ||
      error.statusCode >= 500);
}

let client: { of: Environment; sdk: Stripe } | undefined;

function connect({ stripeSecretKey, stripeHost }: Environment): Stripe {
  return new Stripe(stripeSecretKey, {
    maxNetworkRetries: 2,
    timeout: ANSWERS_WITHIN_MS,
    telemetry: false,
    appInfo: { name: "Wrenchline" },
    ...(stripeHost && { host: stripeHost.hostname, port: stripeHost.port, protocol: "http" }),
  });
}
