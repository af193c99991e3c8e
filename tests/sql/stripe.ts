/** What Stripe would say, as far as the database reads it. */
import { createHmac } from "node:crypto";
import { actAs, type StageTx } from "../support/stage.ts";
import type { Hand } from "./backstage.ts";

/** What `api.open_checkout` answers. */
export interface Opened {
  checkoutId: string;
  stripeId: string | null;
  url: string | null;
  priceCents: number;
  currency: string;
  intakeId: string;
  userId: string;
  email: string | null;
  supersedes: string[];
}

/** What fulfilment answers. */
export interface Fulfilled {
  outcome: string;
  sessionId?: string;
  note?: string;
}

/** Goes to pay, as whoever is on the stage. */
export async function open(tx: StageTx | Hand, plan: string | null): Promise<Opened> {
  return (await tx<{ opened: Opened }>`select api.open_checkout(${plan}) as opened`)[0].opened;
}

/** Stripe's Checkout Session for one of ours, paid unless said otherwise. */
export function checkoutOf({ checkoutId, priceCents }: Opened, changes: object = {}) {
  return {
    id: `cs_${checkoutId}`,
    object: "checkout.session",
    client_reference_id: checkoutId,
    status: "complete",
    payment_status: "paid",
    amount_subtotal: priceCents,
    amount_total: priceCents,
    currency: "usd",
    payment_intent: `pi_${checkoutId}`,
    customer_details: { email: "payer@wrenchline.test" },
    ...changes,
  };
}

/** Hands Stripe's answer in, as backstage does. */
export async function fulfil(tx: StageTx, checkout: object): Promise<Fulfilled> {
  await actAs(tx, "backstage");
  const [{ said }] = await tx<{ said: Fulfilled }>`select api.fulfil_checkout(${checkout}) as said`;
  return said;
}

/** The secret that the tests configure. */
export const SECRET = "whsec_test";

/** An event's body and the header Stripe would send with it. */
export function signed(event: object, { secret = SECRET, age = 0 } = {}): [string, string] {
  const payload = JSON.stringify(event);
  const time = Math.floor(Date.now() / 1000) - age;
  const v1 = createHmac("sha256", secret).update(`${time}.${payload}`).digest("hex");
  return [payload, `t=${time},v1=${v1}`];
}

/** An event about an object. */
export function event(type: string, object: object, id = `evt_${crypto.randomUUID()}`) {
  return { id, type, created: Math.floor(Date.now() / 1000), data: { object } };
}
