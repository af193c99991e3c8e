import type Stripe from "stripe";
import { missing } from "./failures.ts";

/** The kinds of object kept here, by the name Stripe gives them in `object`. */
export interface Kinds {
  "checkout.session": Stripe.Checkout.Session;
  "payment_intent": Stripe.PaymentIntent;
  "charge": Stripe.Charge;
  "refund": Stripe.Refund;
  "dispute": Stripe.Dispute;
  "price": Stripe.Price;
  "product": Stripe.Product;
  "event": Stripe.Event;
}
export type Kind = keyof Kinds;

/** An answer kept under its Idempotency-Key, given again when the request is repeated. */
export interface KeptAnswer {
  fingerprint: string;
  status: number;
  body: string;
  requestId: string;
  at: number;
}

/** What the pay page of one session remembers between requests: of a card, its brand and last four digits only. */
export interface PayPage {
  lineItems: Stripe.LineItem[];
  allowsDelayed: boolean;
  email?: string;
  promotionCode?: string;
  awaits3ds?: { brand: string; last4: string; expMonth: number; expYear: number };
}

/** Everything that outlives a restart. */
export interface Data {
  secretKey: string;
  port: number;
  objects: Record<string, Kinds[Kind]>;
  pages: Record<string, PayPage>;
  answers: Record<string, KeptAnswer>;
  /** Events whose delivery is still being tried: how often it was, and when it is next (epoch ms). */
  outbox: Record<string, { attempts: number; nextAt: number }>;
}

const SAVED_AFTER_MS = 100;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The sandbox's memory, and its file if it has one. */
export class Store {
  readonly data: Data;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(readonly file: string | undefined, data: Data | undefined) {
    this.data = data ?? {
      secretKey: `sk_test_${letters(32)}`,
      port: 0,
      objects: {},
      pages: {},
      answers: {},
      outbox: {},
    };
  }

  /** Remembers what the file holds, if there is one. */
  static async open(file: string | undefined): Promise<Store> {
    return new Store(file, await load(file));
  }

  /** An id nobody could guess, in Stripe's form. */
  newId(prefix: string): string {
    return `${prefix}_${letters(prefix === "cs_test" ? 58 : 24)}`;
  }

  /** The object with that id, or Stripe's 404. */
  get<K extends Kind>(kind: K, id: string): Kinds[K] {
    const found = Object.hasOwn(this.data.objects, id) ? this.data.objects[id] : undefined;
    if (found?.object !== kind) throw missing(kind, id);
    return found as Kinds[K];
  }

  /** Any object with that id, or undefined. */
  find(id: string): Kinds[Kind] | undefined {
    return Object.hasOwn(this.data.objects, id) ? this.data.objects[id] : undefined;
  }

  /** All of a kind, newest first as Stripe lists them. */
  all<K extends Kind>(kind: K): Kinds[K][] {
    return Object.values(this.data.objects).filter((object) => object.object === kind)
      .reverse() as Kinds[K][];
  }

  put<K extends Kind>(object: Kinds[K]): Kinds[K] {
    this.data.objects[object.id] = object;
    this.touched();
    return object;
  }

  /** Says that something changed and should reach the file before long. */
  touched(): void {
    if (this.file && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.flush(), SAVED_AFTER_MS);
    }
  }

  /** Writes the file now: whole or not at all. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.file) return;
    const fresh = `${this.file}.new`;
    Deno.writeTextFileSync(fresh, JSON.stringify(this.data), { mode: 0o600 });
    Deno.renameSync(fresh, this.file);
  }
}

async function load(file: string | undefined): Promise<Data | undefined> {
  if (!file) return undefined;
  try {
    return JSON.parse(await Deno.readTextFile(file)) as Data;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read ${file}: delete it to start the offline Stripe anew`, {
      cause: error,
    });
  }
}

function letters(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}
