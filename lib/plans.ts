// What is on sale, and how long one would wait for it.

import { type Login, reading } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { type ViewerView } from "@/lib/logins.ts";

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

/** What the shop knows before anybody chooses. */
export interface ShopView {
  plans: PlanView[];
  wait: WaitView;
  viewer: ViewerView | null;
}

/** The plans in their order, the present wait, and who is looking. */
export async function shopFor(login: Login): Promise<ShopView> {
  const [plans, [{ wait }], [{ viewer }]] = await reading(login, (tx) =>
    Promise.all([
      tx<PlanView>`
        select id, type, name, tagline, includes, excludes, currency,
          price_cents as "priceCents", length_minutes as "lengthMinutes"
        from app.plans order by position`,
      tx<{ wait: WaitView }>`select api.present_wait() as wait`,
      tx<{ viewer: ViewerView | null }>`select api.viewer() as viewer`,
    ]));
  return { plans, wait, viewer };
}

/** The same for one plan, already chosen. Raises NPLAN for what is not on sale. */
export async function planFor(
  login: Login,
  id: string,
): Promise<Omit<ShopView, "plans"> & { plan: PlanView }> {
  const { plans, ...shop } = await shopFor(login);
  const plan = plans.find((plan) => plan.id === id);
  if (!plan) {
    throw new Refusal("NPLAN", `The plans are ${plans.map(({ id }) => id).join(", ")}.`);
  }
  return { ...shop, plan };
}
