// What is on sale, and how long one would wait for it.

import { type Login, reading, type Tx } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { draftIntake, type IntakeView } from "@/lib/intakes.ts";
import { viewerIn, type ViewerView } from "@/lib/logins.ts";
import { isOpen, sessionLines, type SessionLineView } from "@/lib/sessions.ts";

/** What kind of session a plan buys. */
export type SessionType = "chat" | "video" | "diagnostic";

/** A plan as the shop shows it. */
export interface PlanView {
  id: string;
  type: SessionType;
  name: string;
  tagline: string;
  includes: string[];
  excludes: string[];
  priceCents: number;
  currency: string;
  lengthMinutes: number;
}

/** The line in front of the next customer, as it is now. */
export interface WaitView {
  waiting: number;
  mechanicsOnDuty: number;
}

/** A page of the shop. */
interface ShopView {
  viewer: ViewerView | null;
  wait: WaitView;
}

/** The plans in their order, the present wait, who is looking, and their sessions that are not over. */
export async function shopFor(
  login: Login,
): Promise<ShopView & { plans: PlanView[]; sessions: SessionLineView[] }> {
  const [viewer, wait, plans, sessions] = await reading(
    login,
    (tx) => Promise.all([viewerIn(tx), presentWait(tx), plansIn(tx), sessionLines(tx)]),
  );
  return { viewer, wait, plans, sessions: sessions.filter(isOpen) };
}

/** One plan, already chosen, with what the viewer told for it so far. Raises NPLAN for what is not on sale. */
export async function planFor(
  login: Login,
  id: string,
): Promise<ShopView & { plan: PlanView; intake: IntakeView | null }> {
  const [viewer, wait, plans, intake] = await reading(
    login,
    (tx) => Promise.all([viewerIn(tx), presentWait(tx), plansIn(tx), draftIntake(tx)]),
  );
  const plan = plans.find((plan) => plan.id === id);
  if (!plan) {
    throw new Refusal("NPLAN", `The plans are ${plans.map(({ id }) => id).join(", ")}.`);
  }
  return { viewer, wait, plan, intake };
}

function plansIn(tx: Tx): Promise<PlanView[]> {
  return tx<PlanView>`
    select id, type, name, tagline, includes, excludes, currency,
      price_cents as "priceCents", length_minutes as "lengthMinutes"
    from app.plans order by position`;
}

async function presentWait(tx: Tx): Promise<WaitView> {
  const [{ wait }] = await tx<{ wait: WaitView }>`select api.present_wait() as wait`;
  return wait;
}
