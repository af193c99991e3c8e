import type Stripe from "stripe";
import { writing } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { environment } from "@/lib/environment.ts";
import { NOBODY } from "@/lib/logins.ts";
import { reportKeptAside } from "./fulfilment.ts";
import { stripe } from "./stripe.ts";

/** What became of an event. */
export interface Received {
  outcome: string;
  sessionId?: string;
  note?: string;
}

/**
 * Takes one delivery of Stripe's webhook, its body as it came. The signature is checked here and
 * again by the database, which this needs no privilege in. Raises SIGNT.
 */
export async function receiveEvent(payload: string, signature: string | null): Promise<Received> {
  const event = await verified(payload, signature);
  const [{ received }] = await writing(NOBODY, (tx) =>
    tx<{ received: Received }>`
      select api.receive_stripe_event(${payload}, ${signature}) as received`);
  reportKeptAside(event.id, received);
  if (received.outcome === "refund_failed") console.error(received.note);
  return received;
}

/** The event, if any of our secrets signed it: there are two while one replaces the other. */
async function verified(payload: string, signature: string | null): Promise<Stripe.Event> {
  for (const secret of environment().stripeWebhookSecrets) {
    try {
      // The synchronous one throws under Deno.
      return await stripe().webhooks.constructEventAsync(payload, signature ?? "", secret);
    } catch {
      // Perhaps the next.
    }
  }
  throw new Refusal("SIGNT");
}
