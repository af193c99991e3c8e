import { Refusal } from "@/lib/db/refusals.ts";
import { receiveEvent } from "@/lib/payments/webhook.ts";
import { define } from "@/lib/state.ts";

/** Stripe's events are a few thousand characters long. */
const LONGEST_PAYLOAD = 1_000_000;

export const handler = define.handlers({
  /** Takes an event of Stripe's. One that means nothing to us is kept, and answered the same. */
  async POST(ctx) {
    if (Number(ctx.req.headers.get("content-length")) > LONGEST_PAYLOAD) throw new Refusal("TOOLG");
    const payload = await ctx.req.text();
    const { outcome } = await receiveEvent(payload, ctx.req.headers.get("stripe-signature"));
    return Response.json({ received: true, outcome });
  },
});
