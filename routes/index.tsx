import { Head } from "fresh/runtime";
import { page } from "fresh";
import { sessionPath } from "@/lib/sessions.ts";
import { shopFor } from "@/lib/plans.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { PlanCard } from "@/lib/ui/PlanCard.tsx";
import { Wait } from "@/lib/ui/Wait.tsx";

export const handler = define.handlers({
  /** The price list, and the way back to what was bought already. */
  async GET(ctx) {
    return page(await shopFor(ctx.state.login));
  },
});

export default define.page<typeof handler>(function Shop({ data: { plans, wait, sessions } }) {
  return (
    <Frame width="wide">
      <Head>
        <title>Wrenchline: talk to a real mechanic</title>
      </Head>
      {sessions.map((session) => (
        <a
          key={session.id}
          href={sessionPath(session)}
          class="mb-6 flex flex-wrap items-center justify-between gap-x-6 gap-y-1 rounded-box bg-warning px-5 py-4 text-warning-content"
        >
          <span class="text-lg font-semibold underline underline-offset-4">
            You have a session waiting
          </span>
          <span>{session.planName}, {session.status === "live" ? "going on now" : "in line"}</span>
        </a>
      ))}

      <div class="grid items-end gap-6 lg:grid-cols-[1fr_22rem]">
        <div>
          <h1 class="text-4xl sm:text-5xl">Talk to a real mechanic about your car</h1>
          <p class="quiet mt-4 max-w-2xl text-lg sm:text-xl">
            Tell us what it does. A working mechanic answers you, one to one, for a fixed price that
            you know beforehand.
          </p>
        </div>
        <section aria-labelledby="wait" class="border-l-4 border-accent pl-4">
          <h2 id="wait" class="text-lg">The wait, right now</h2>
          <p class="quiet mt-1">
            <Wait wait={wait} />
          </p>
        </section>
      </div>

      <section aria-labelledby="plans" class="mt-10">
        <h2 id="plans" class="sr-only">Plans</h2>
        <div class="grid gap-5 lg:grid-cols-3">
          {plans.map((plan) => <PlanCard key={plan.id} plan={plan} />)}
        </div>
      </section>

      <section
        aria-labelledby="promise"
        class="band mt-10 px-6 py-7 sm:px-8"
      >
        <h2 id="promise" class="text-2xl">If nobody joins, it costs you nothing</h2>
        <p class="mt-2 max-w-3xl">
          If no mechanic joins your session, you get all of your money back. Your minutes are
          counted from the moment a mechanic is with you, not from paying.
        </p>
      </section>

      <section aria-labelledby="how" class="mt-12">
        <h2 id="how" class="text-2xl">How it goes</h2>
        <ol class="mt-5 grid gap-5 sm:grid-cols-3">
          <Step number={1} title="Tell us about the car">
            The vehicle and what it does, as much as you know. Nothing of it is required.
          </Step>
          <Step number={2} title="Pay by card">
            On Stripe's page. We never see your card, and you need no account.
          </Step>
          <Step number={3} title="Talk">
            You wait in your session until a mechanic joins. You may start writing at once.
          </Step>
        </ol>
      </section>
    </Frame>
  );
});

function Step({ number, title, children }: { number: number; title: string; children: string }) {
  return (
    <li class="border-t-2 border-base-300 pt-4">
      <h3 class="text-lg">
        <span class="text-primary">{number}.</span> {title}
      </h3>
      <p class="quiet mt-1">{children}</p>
    </li>
  );
}
