/** How the delivery of an event goes wrong. The fault strikes its first attempt; retries are sound. */
export type WebhookFault =
  /** Held until `release()`. */
  | "late"
  /** Not sent, and not tried again. */
  | "never"
  /** Sent a second time after the first was answered. */
  | "twice"
  /** Sent five times at the same moment. */
  | "concurrent"
  /** Held until an event that came after it was answered. */
  | "reordered"
  /** Signed with a secret that is not ours. */
  | "wrong_signature"
  /** Signed an hour ago. */
  | "old_timestamp";

/** How a request to the API goes wrong. */
export type ApiFault =
  /** Refused before anything is done: 429, 500, 503… */
  | { status: number }
  /** Done and remembered under its key, but answered with this status. */
  | { statusAfter: number }
  /** Never answered; nothing is done. */
  | "hangs";

/** What becomes of the next refund: at once, as an answer, or later by `Sandbox.settleRefund`. */
export type RefundFault = "pending" | "failed";

interface Planned<F> {
  matches: string;
  fault: F;
  times: number;
}

/** What tests have ordered to go wrong. Each order strikes so many times and is then forgotten. */
export class Faults {
  #webhooks: Planned<WebhookFault>[] = [];
  #api: Planned<ApiFault>[] = [];
  #refunds: RefundFault[] = [];
  #gates: { matches: string; opens: Promise<void>; reached: () => void }[] = [];

  #end = Promise.withResolvers<void>();
  /** Resolves when the sandbox stops: what hangs hangs no longer. */
  readonly ended = this.#end.promise;

  /** The next `times` events of this type (or of any, `*`) are delivered badly. */
  webhook(fault: WebhookFault, type = "*", times = 1): void {
    this.#webhooks.push({ matches: type, fault, times });
  }

  /** The next `times` requests whose `METHOD /path` begins so are answered badly. */
  api(fault: ApiFault, request = "", times = 1): void {
    this.#api.push({ matches: request, fault, times });
  }

  /** The next refund is pending, or fails at once. */
  refund(fault: RefundFault): void {
    this.#refunds.push(fault);
  }

  /** Holds the next request that begins so in the middle of its execution, its idempotency key in use. */
  hold(request: string): { reached: Promise<void>; open: () => void } {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    this.#gates.push({ matches: request, opens: gate.promise, reached: reached.resolve });
    return { reached: reached.promise, open: gate.resolve };
  }

  /** Forgets every order that has not struck. */
  clear(): void {
    this.#webhooks = [];
    this.#api = [];
    this.#refunds = [];
    this.#gates = [];
  }

  /** For the sandbox, as it stops. */
  end(): void {
    for (const gate of this.#gates) gate.reached();
    this.#end.resolve();
  }

  /** For the courier: the fault of this event, if one was ordered. */
  ofEvent(type: string): WebhookFault | undefined {
    return take(this.#webhooks, (order) => order === "*" || order === type);
  }

  /** For the API: the fault of this request, if one was ordered. */
  ofRequest(request: string): ApiFault | undefined {
    return take(this.#api, (order) => request.startsWith(order));
  }

  /** For the API: waits where a test wants this request to wait. */
  async gate(request: string): Promise<void> {
    const at = this.#gates.findIndex((gate) => request.startsWith(gate.matches));
    if (at === -1) return;
    const [gate] = this.#gates.splice(at, 1);
    gate.reached();
    await Promise.race([gate.opens, this.ended]);
  }

  /** For refunds: what was ordered for this one. */
  ofRefund(): RefundFault | undefined {
    return this.#refunds.shift();
  }
}

function take<F>(orders: Planned<F>[], matches: (order: string) => boolean): F | undefined {
  const at = orders.findIndex((order) => matches(order.matches));
  if (at === -1) return undefined;
  const order = orders[at];
  if (--order.times === 0) orders.splice(at, 1);
  return order.fault;
}
