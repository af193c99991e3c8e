import type Stripe from "stripe";
import type { Faults } from "./faults.ts";
import type { Store } from "./store.ts";

/** One attempt to deliver an event, and the status it met; null when nobody answered. */
export interface Delivery {
  eventId: string;
  type: string;
  status: number | null;
}

/** How long after a failed attempt the next is made; after the last one Stripe gives up, and so do we. */
export const BACK_OFF_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000];
const ANSWER_WITHIN_MS = 20_000;

export interface CourierSettings {
  store: Store;
  faults: Faults;
  url: string | URL;
  secrets: string[];
  backOffMs?: number[];
  fetch?: (request: Request) => Promise<Response>;
  now(): Date;
}

/** Signs events and takes them to the webhook, as often as it needs. */
export class Courier {
  /** Where events go; a test may point it elsewhere. */
  url: string | URL;
  /** Every secret signs: two while one replaces the other. */
  secrets: string[];
  /** What was tried, oldest first. */
  readonly deliveries: Delivery[] = [];

  #settings: CourierSettings;
  #underway = new Set<Promise<unknown>>();
  #first = new Map<string, Promise<unknown>>();
  #held: Stripe.Event[] = [];
  #overtaken: Stripe.Event[] = [];
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #stopped = new AbortController();

  constructor(settings: CourierSettings) {
    this.#settings = settings;
    this.url = settings.url;
    this.secrets = settings.secrets;
  }

  /** Takes on what an earlier run could not deliver. */
  resume(): void {
    for (const [id, due] of Object.entries(this.#settings.store.data.outbox)) {
      this.#later(
        this.#settings.store.get("event", id),
        due.nextAt - this.#settings.now().getTime(),
      );
    }
  }

  /** Starts to deliver an event; nothing waits for it. */
  send(event: Stripe.Event): void {
    this.#settings.store.data.outbox[event.id] = {
      attempts: 0,
      nextAt: this.#settings.now().getTime(),
    };
    const first = this.#track(this.#deliverBadly(event)).finally(() =>
      this.#first.delete(event.id)
    );
    this.#first.set(event.id, first);
  }

  /** Resolves when the first attempt at an event was answered; at once when it is held back or dropped. */
  async answered(event: Stripe.Event, withinMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, withinMs);
    await Promise.race([this.#first.get(event.id), late.promise]);
    clearTimeout(timer);
  }

  /** Resolves when nothing is on its way. What is held or waits for a retry does not count. */
  async idle(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway);
  }

  /** Delivers what was ordered to be late, oldest first. */
  async release(): Promise<void> {
    for (const event of this.#held.splice(0)) await this.#track(this.#attempt(event));
  }

  /** Sends an event once more, as the button in Stripe's dashboard does. */
  async resend(eventId: string): Promise<void> {
    await this.#track(this.#attempt(this.#settings.store.get("event", eventId)));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.idle();
  }

  async #deliverBadly(event: Stripe.Event): Promise<void> {
    switch (this.#settings.faults.ofEvent(event.type)) {
      case "never":
        return this.#done(event);
      case "late":
        this.#held.push(event);
        return;
      case "reordered":
        this.#overtaken.push(event);
        return;
      case "twice":
        await this.#attempt(event);
        return this.#attempt(event);
      case "concurrent":
        await Promise.all(Array.from({ length: 5 }, () => this.#attempt(event)));
        return;
      case "wrong_signature":
        return this.#attempt(event, { secrets: ["whsec_not_ours"] });
      case "old_timestamp":
        return this.#attempt(event, { ageSeconds: 3600 });
      default:
        return this.#attempt(event);
    }
  }

  async #attempt(
    event: Stripe.Event,
    bad: { secrets?: string[]; ageSeconds?: number } = {},
  ): Promise<void> {
    // What is overtaken by this event goes after it.
    const overtaken = this.#overtaken.splice(0);
    const status = await this.#post(event, bad);
    this.deliveries.push({ eventId: event.id, type: event.type, status });
    if (status !== null && status >= 200 && status < 300) this.#done(event);
    else this.#retry(event);
    for (const late of overtaken) await this.#attempt(late);
  }

  async #post(
    event: Stripe.Event,
    bad: { secrets?: string[]; ageSeconds?: number },
  ): Promise<number | null> {
    const payload = JSON.stringify(event, null, 2);
    const at = Math.floor(this.#settings.now().getTime() / 1000) - (bad.ageSeconds ?? 0);
    const signatures = await Promise.all(
      (bad.secrets ?? this.secrets).map(async (secret) =>
        `v1=${await hmac(secret, `${at}.${payload}`)}`
      ),
    );
    try {
      const response = await (this.#settings.fetch ?? fetch)(
        new Request(this.url, {
          method: "POST",
          body: payload,
          // A redirect is a failure to Stripe.
          redirect: "manual",
          signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
          headers: {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": [`t=${at}`, ...signatures].join(","),
          },
        }),
      );
      await response.body?.cancel();
      return response.status;
    } catch {
      return null; // nobody there, or too slow: tried again
    }
  }

  #done(event: Stripe.Event): void {
    event.pending_webhooks = 0;
    delete this.#settings.store.data.outbox[event.id];
    this.#settings.store.touched();
  }

  #retry(event: Stripe.Event): void {
    const outbox = this.#settings.store.data.outbox;
    const attempts = (outbox[event.id]?.attempts ?? 0) + 1;
    const wait = (this.#settings.backOffMs ?? BACK_OFF_MS)[attempts - 1];
    if (wait === undefined) {
      delete outbox[event.id]; // given up; the API still has it
    } else {
      outbox[event.id] = { attempts, nextAt: this.#settings.now().getTime() + wait };
      this.#later(event, wait);
    }
    this.#settings.store.touched();
  }

  #later(event: Stripe.Event, waitMs: number): void {
    if (this.#stopped.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#settings.store.data.outbox[event.id]) return; // delivered meanwhile
      this.#track(this.#attempt(event));
    }, Math.max(0, waitMs));
    this.#timers.add(timer);
  }

  #track(work: Promise<unknown>): Promise<unknown> {
    const tracked = work.finally(() => this.#underway.delete(tracked));
    this.#underway.add(tracked);
    return tracked;
  }
}

/** The `v1` signature: HMAC-SHA256 in hex. https://docs.stripe.com/webhooks#verify-manually */
async function hmac(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))).toHex();
}
