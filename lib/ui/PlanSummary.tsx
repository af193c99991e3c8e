import type { PlanView, WaitView } from "@/lib/plans.ts";
import { Money } from "@/lib/ui/Money.tsx";
import { NotYet } from "@/lib/ui/NotYet.tsx";
import { Included } from "@/lib/ui/PlanCard.tsx";
import { Wait } from "@/lib/ui/Wait.tsx";

/** What one is about to buy, beside the form. */
export function PlanSummary({ plan, wait }: { plan: PlanView; wait: WaitView }) {
  return (
    <aside aria-labelledby="plan-name" class="sheet p-6">
      <h2 id="plan-name" class="text-xl">{plan.name}</h2>
      <p class="mt-2 flex flex-wrap items-baseline gap-x-2">
        <span class="text-3xl font-semibold tracking-tight">
          <Money cents={plan.priceCents} currency={plan.currency} />
        </span>
        <span class="quiet">for {plan.lengthMinutes} minutes, paid once</span>
      </p>
      <div class="max-lg:hidden">
        <Included plan={plan} />
      </div>
      <dl class="mt-5 space-y-3 border-t border-base-300 pt-5">
        <div>
          <dt class="font-semibold">The wait, right now</dt>
          <dd class="quiet">
            <Wait wait={wait} />
          </dd>
        </div>
        <div>
          <dt class="font-semibold">If nobody joins</dt>
          <dd class="quiet">You get all of your money back.</dd>
        </div>
      </dl>
      <div class="mt-5 empty:hidden">
        <NotYet type={plan.type} />
      </div>
    </aside>
  );
}
