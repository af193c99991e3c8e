import { confirmCheckout, WHY_NOT_PAID } from "@/lib/payments/fulfilment.ts";
import { define } from "@/lib/state.ts";

export const handler = define.handlers({
  /** Which session a checkout bought, for its buyer; 202 while it may still be paid, 409 when it bought none. */
  async GET(ctx) {
    const stripeId = ctx.url.searchParams.get("session_id") ?? "";
    const { status, sessionId, type, route } = await confirmCheckout(ctx.state.login, stripeId);
    if (sessionId !== null) return Response.json({ sessionId, type, route });
    const words = WHY_NOT_PAID[status];
    return words
      ? Response.json({ status, words }, { status: 409 })
      : Response.json({ status: "pending" }, { status: 202 });
  },
});
