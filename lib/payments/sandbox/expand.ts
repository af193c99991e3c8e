import { invalid } from "./failures.ts";
import type { Kinds } from "./store.ts";
import type { World } from "./world.ts";

type Json = Record<string, unknown>;

/** An object as the API answers it, with what `expand` asked for in place of its id. */
export function expanded(world: World, object: Kinds[keyof Kinds], paths: string[]): Json {
  const view = structuredClone(object) as unknown as Json;
  for (const path of paths) expand(world, view, path.split("."), path);
  return view;
}

/** A list of objects as the API answers it; `expand` paths begin with `data`. */
export function listView(
  world: World,
  url: string,
  objects: Kinds[keyof Kinds][],
  hasMore: boolean,
  paths: string[],
) {
  const data = objects.map((object) => structuredClone(object) as unknown as Json);
  const view = { object: "list", data, has_more: hasMore, url };
  for (const path of paths) expand(world, view, path.split("."), path);
  return view;
}

function expand(world: World, at: Json, [step, ...rest]: string[], path: string): void {
  if (at.object === "checkout.session" && step === "line_items" && at.line_items === undefined) {
    at.line_items = {
      object: "list",
      data: structuredClone(world.store.data.pages[at.id as string].lineItems),
      has_more: false,
      url: `/v1/checkout/sessions/${at.id}/line_items`,
    };
  }
  if (at.object === "charge" && step === "refunds" && at.refunds === undefined) {
    const refunds = world.store.all("refund").filter((refund) => refund.charge === at.id);
    at.refunds = {
      object: "list",
      data: structuredClone(refunds),
      has_more: false,
      url: "/v1/refunds",
    };
  }

  const value = at[step];
  if (typeof value === "string" && value !== at.id) {
    const found = world.store.find(value);
    if (found) at[step] = structuredClone(found);
  }
  const next = at[step];
  if (next === undefined || typeof next === "string") {
    throw invalid(`This property cannot be expanded (${path}).`, "expand");
  }
  if (next === null || rest.length === 0) return;
  // `line_items.data.price` goes into each of the list.
  for (const item of Array.isArray(next) ? next : [next]) expand(world, item as Json, rest, path);
}
