import { page } from "fresh";
import { Head } from "fresh/runtime";
import { confirmCheckout } from "@/lib/payments/fulfilment.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";

export const handler = define.handlers({
  /** Back from Stripe. Fulfils by contract if the webhook has not, and repeats harmlessly. */
  async GET(ctx) {
    const stripeId = ctx.url.searchParams.get("session_id") ?? "";
    const checkout = await confirmCheckout(ctx.state.login, stripeId);
    if (checkout.route && !checkout.isDuplicate) return ctx.redirect(checkout.route, 303);
    if (checkout.problem) {
      return ctx.redirect(`/start?plan=${checkout.plan}&problem=${checkout.problem}`, 303);
    }
    return page({ checkout });
  },
});

export default define.page<typeof handler>(function Success({ data: { checkout } }) {
  const { title, words, isOver } = checkout.isDuplicate
    ? TWICE
    : checkout.status === "refused"
    ? REFUSED
    : CONFIRMING;
  return (
    <Frame width="narrow">
      <Head>
        <title>{`${title} · Wrenchline`}</title>
        <meta name="robots" content="noindex" />
        {!isOver && <meta http-equiv="refresh" content="3" />}
      </Head>
      <section class="sheet p-6 sm:p-8">
        <h1 class="text-3xl">{title}</h1>
        {words.map((line) => <p key={line} class="mt-3">{line}</p>)}
        {checkout.route && (
          <a href={checkout.route} class="btn btn-primary btn-block mt-6">Go to your session</a>
        )}
        {!isOver && (
          <div class="mt-6 flex items-center gap-3" role="status">
            <span class="loading loading-spinner" aria-hidden="true" />
            <span class="quiet">This page looks again by itself.</span>
          </div>
        )}
      </section>
    </Frame>
  );
});

const CONFIRMING = {
  title: "Confirming your payment",
  words: [
    "Stripe has your payment, and we are waiting to hear that it went through. With a card this takes seconds; a bank transfer can take days.",
    "There is nothing more to pay or to press. You may close this page: your session will be on the front page once the payment is confirmed.",
  ],
  isOver: false,
};
const TWICE = {
  title: "You paid twice",
  words: [
    "This session had been paid for already, so the second payment goes back to you in full, without your doing anything. Banks take up to ten days to show it.",
  ],
  isOver: true,
};
const REFUSED = {
  title: "We are looking into your payment",
  words: [
    "The payment reached us, but not with the price of your plan, so no session was started. A person is looking at it and will put it right or send the money back.",
    "Please do not pay again.",
  ],
  isOver: true,
};
