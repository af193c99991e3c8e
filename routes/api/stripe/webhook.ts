import { readAtMost } from "@/lib/forms.ts";
import { receiveEvent } from "@/lib/payments/webhook.ts";
import { define } from "@/lib/state.ts";

/** Stripe's events are a few thousand bytes long. */
const LARGEST_EVENT_BYTES = 1_000_000;

export const handler = define.handlers({
  /** Takes an event of Stripe's. One that means nothing to us is kept, and answered the same. */
  async POST(ctx) {
    const payload = await (await readAtMost(LARGEST_EVENT_BYTES, ctx.req)).text();
    const { outcome } = await receiveEvent(payload, ctx.req.headers.get("stripe-signature"));
    return Response.json({ received: true, outcome });
  },
});
