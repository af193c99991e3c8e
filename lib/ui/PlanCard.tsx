import type { PlanView } from "@/lib/plans.ts";
import { Money } from "@/lib/ui/Money.tsx";
import { NotYet } from "@/lib/ui/NotYet.tsx";

/** A plan on the price list, with the button that starts it. */
export function PlanCard({ plan }: { plan: PlanView }) {
  const titleId = `plan-${plan.id}`;
  return (
    <section aria-labelledby={titleId} class="sheet flex flex-col p-6">
      <h3 id={titleId} class="text-xl">{plan.name}</h3>
      <p class="quiet mt-1">{plan.tagline}</p>
      <p class="mt-5 flex items-baseline gap-2">
        <span class="text-4xl font-semibold tracking-tight">
          <Money cents={plan.priceCents} currency={plan.currency} />
        </span>
        <span class="quiet">for {plan.lengthMinutes} minutes</span>
      </p>
      <Included plan={plan} />
      <div class="mt-auto pt-6">
        <NotYet type={plan.type} />
        <form action="/start">
          <button type="submit" name="plan" value={plan.id} class="btn btn-primary btn-block">
            Start {plan.name}
          </button>
        </form>
      </div>
    </section>
  );
}

/** What a plan holds, and what it does not. */
export function Included({ plan }: { plan: PlanView }) {
  return (
    <ul class="mt-5 space-y-2">
      {plan.includes.map((line) => (
        <li key={line} class="flex gap-2.5">
          <Mark d="M4 10.5l4 4 8-9" colour="text-success" />
          <span>{line}</span>
        </li>
      ))}
      {plan.excludes.map((line) => (
        <li key={line} class="quiet flex gap-2.5">
          <Mark d="M5 10h10" />
          <span>
            <span class="sr-only">Not included:</span> {line}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Mark({ d, colour = "" }: { d: string; colour?: string }) {
  return (
    <svg viewBox="0 0 20 20" class={`mt-1 size-4 shrink-0 ${colour}`} aria-hidden="true">
      <path
        d={d}
        fill="none"
        stroke="currentColor"
        stroke-width="2.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
