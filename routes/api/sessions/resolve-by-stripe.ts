import { confirmCheckout } from "@/lib/payments/fulfilment.ts";
import { define } from "@/lib/state.ts";

export const handler = define.handlers({
  /** Which session a checkout bought, for its buyer; 202 while it is not certain that it was paid. */
  async GET(ctx) {
    const stripeId = ctx.url.searchParams.get("session_id") ?? "";
    const { status, sessionId, type, route } = await confirmCheckout(ctx.state.login, stripeId);
    return sessionId === null
      ? Response.json({ status: status === "open" ? "pending" : status }, { status: 202 })
      : Response.json({ sessionId, type, route });
  },
});
