import type { Context } from "fresh";
import { Refusal } from "@/lib/db/refusals.ts";
import { formFields } from "@/lib/forms.ts";
import { wayToPay } from "@/lib/payments/checkout.ts";
import { define, type State } from "@/lib/state.ts";

export const handler = define.handlers({
  /** Leads to Stripe's pay page. Writes by contract, and repeats harmlessly: the same page again. */
  GET(ctx) {
    refuseToGuess(ctx.req);
    return lead(ctx, ctx.url.searchParams.get("plan") ?? "");
  },

  /** The same for a form of ours. */
  async POST(ctx) {
    const { plan } = await formFields(ctx.req, "plan");
    return await lead(ctx, plan || (ctx.url.searchParams.get("plan") ?? ""));
  },
});

async function lead(ctx: Context<State>, plan: string): Promise<Response> {
  const { url, cookie } = await wayToPay(ctx.state.login, { plan, client: ctx.state.client });
  const headers = new Headers({ location: url });
  if (cookie) headers.set("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}

/** A browser that fetches ahead, or a HEAD, has nobody behind it who wants to pay. */
function refuseToGuess(req: Request): void {
  const purposes = ["sec-purpose", "purpose", "x-moz"].map((name) => req.headers.get(name) ?? "");
  if (req.method === "HEAD" || /prefetch|prerender|preview/i.test(purposes.join())) {
    throw new Refusal("BADIN", "This address starts a payment and cannot be fetched ahead.");
  }
}
