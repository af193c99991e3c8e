import type Stripe from "stripe";
import type { Courier } from "./webhooks.ts";
import type { Faults } from "./faults.ts";
import type { Kind, Kinds, Store } from "./store.ts";

/** What the parts of the sandbox share. */
export interface World {
  store: Store;
  faults: Faults;
  courier: Courier;
  /** What the API was asked, and how it answered. */
  requests: { name: string; status: number }[];
  /** The version of the API that events are written in. */
  apiVersion: string;
  /** Where the sandbox listens. */
  host: URL;
  now(): Date;
}

/** Stripe's timestamps: whole seconds. */
export function seconds(world: World): number {
  return Math.floor(world.now().getTime() / 1000);
}

/** Records an event about an object as it is now, and sends it to the webhook. */
export function emit<K extends Kind>(
  world: World,
  type: string,
  object: Kinds[K],
  previous?: Record<string, unknown>,
): Stripe.Event {
  const event = {
    id: world.store.newId("evt"),
    object: "event",
    api_version: world.apiVersion,
    created: seconds(world),
    data: { object: structuredClone(object), ...(previous && { previous_attributes: previous }) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  } as unknown as Stripe.Event;
  world.store.put(event);
  world.courier.send(event);
  return event;
}
