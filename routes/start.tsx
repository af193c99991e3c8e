import { Head } from "fresh/runtime";
import { page } from "fresh";
import KeepDraft from "@/islands/KeepDraft.tsx";
import { formFields } from "@/lib/forms.ts";
import { type IntakeView, saveIntake } from "@/lib/intakes.ts";
import { userOrGuest, viewer, type ViewerView } from "@/lib/logins.ts";
import { planFor, type PlanView, type WaitView } from "@/lib/plans.ts";
import { sameSitePath } from "@/lib/same_site.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { IntakeFields } from "@/lib/ui/IntakeFields.tsx";
import { Notice } from "@/lib/ui/Notice.tsx";
import { PlanSummary } from "@/lib/ui/PlanSummary.tsx";
import { EmailStep, GuestStep } from "@/lib/ui/signing_in.tsx";

/** What one came to buy, and what is known of it. */
interface Purchase {
  plan: PlanView;
  wait: WaitView;
  intake: IntakeView | null;
  /** Why there was no payment the last time; "" when there is nothing to say. */
  problem: string;
}

export const handler = define.handlers({
  /** The way in: with a plan to its intake and payment, without to signing in. */
  async GET(ctx) {
    const { login } = ctx.state;
    const query = ctx.url.searchParams;
    const redirect = sameSitePath(query.get("redirect"), "");
    if (query.has("plan")) {
      const { viewer, ...chosen } = await planFor(login, query.get("plan")!);
      return page({ viewer, redirect, purchase: { ...chosen, problem: problemIn(query) } });
    }

    const known = await viewer(login);
    if (known && !known.isGuest) return ctx.redirect(redirect || "/account", 303);
    return page({ viewer: known, redirect, purchase: null });
  },

  /** Keeps the intake and goes on: to payment, or where one wanted to go. As a guest if need be. */
  async POST(ctx) {
    const { plan, redirect, vehicle, complaint } = await formFields(
      ctx.req,
      ...["plan", "redirect", "vehicle", "complaint"] as const,
    );
    const { login, cookie } = await userOrGuest(ctx.state.login, ctx.state.client);
    if (plan) await saveIntake(login, { vehicle, complaint });

    const next = plan ? `/api/checkout?plan=${encodeURIComponent(plan)}` : sameSitePath(redirect);
    const res = ctx.redirect(next, 303);
    if (cookie) res.headers.set("set-cookie", cookie);
    return res;
  },
});

export default define.page<typeof handler>(function Start({ data: { purchase, ...who } }) {
  return purchase === null ? <SignIn {...who} /> : <Begin {...who} purchase={purchase} />;
});

interface Who {
  viewer: ViewerView | null;
  redirect: string;
}

function SignIn({ redirect }: Who) {
  return (
    <Frame width="narrow">
      <Head>
        <title>Sign in · Wrenchline</title>
      </Head>
      <h1 class="text-3xl">Sign in</h1>
      <p class="quiet mt-2">
        {redirect === ""
          ? "We send a code to your address; there is no password."
          : "That page is shown to the people in it. Sign in with the address you used before."}
      </p>
      <form method="post" action="/start" class="sheet mt-6 p-6">
        <input type="hidden" name="redirect" value={redirect} />
        <EmailStep />
        <GuestStep />
      </form>
    </Frame>
  );
}

function Begin({ viewer, redirect, purchase }: Who & { purchase: Purchase }) {
  const { plan, wait, intake, problem } = purchase;
  return (
    <Frame width="wide">
      <Head>
        <title>{`${plan.name} · Wrenchline`}</title>
      </Head>
      <h1 class="text-3xl sm:text-4xl">Before you pay</h1>
      {problem && (
        <div class="mt-5">
          <Notice tone="warning">{problem}</Notice>
        </div>
      )}
      <div class="mt-6 grid items-start gap-6 lg:grid-cols-[1fr_24rem]">
        <form id="start" method="post" action="/start" class="sheet p-6 max-lg:order-2">
          <input type="hidden" name="plan" value={plan.id} />
          <input type="hidden" name="redirect" value={redirect} />
          <IntakeFields intake={intake} />
          <div class="mt-8 border-t border-base-300 pt-6">
            {viewer && !viewer.isGuest ? <Pay viewer={viewer} /> : <Choose />}
          </div>
          <p class="quiet mt-6 text-sm">
            You pay on Stripe's page. We never see your card, and nothing is charged before you
            confirm it there.
          </p>
        </form>
        <PlanSummary plan={plan} wait={wait} />
      </div>
      <KeepDraft form="start" fields={["vehicle", "complaint"]} name="wrenchline.intake" />
    </Frame>
  );
}

function Pay({ viewer }: { viewer: ViewerView }) {
  return (
    <>
      <p class="quiet mb-4">Signed in as {viewer.email}.</p>
      <button type="submit" class="btn btn-primary btn-block">Continue to payment</button>
    </>
  );
}

function Choose() {
  return (
    <>
      <h2 class="text-xl">You</h2>
      <p class="quiet mt-1 mb-5">
        With an address your session waits for you on every device. There is no password.
      </p>
      <EmailStep />
      <GuestStep />
    </>
  );
}

/** One line of why, for who comes back from Stripe without having paid. */
function problemIn(query: URLSearchParams): string {
  const problem = query.has("cancelled") ? "cancelled" : query.get("problem") ?? "";
  return Object.hasOwn(PROBLEMS, problem) ? PROBLEMS[problem] : "";
}

const KEPT = "What you told us is still here.";
const PROBLEMS: Record<string, string> = {
  cancelled: `You left the payment, so nothing was charged. ${KEPT}`,
  expired: `The payment page had been open for too long, and nothing was charged. ${KEPT}`,
  declined: `Your bank declined the payment, so nothing was charged. ${KEPT}`,
  away:
    `We could not reach Stripe, where you pay, so nothing was charged. Please try again in a moment. ${KEPT}`,
  failed: `The payment did not go through, so nothing was charged. ${KEPT}`,
};
