import { createSession, expireSession, findSession, sweep } from "./checkout.ts";
import { expanded, listView } from "./expand.ts";
import { type FailureBody, invalid, StripeFailure } from "./failures.ts";
import { makePrice } from "./objects.ts";
import {
  integer,
  metadata,
  nested,
  onlyKnown,
  type Param,
  type Params,
  required,
  text,
  texts,
} from "./params.ts";
import { createRefund } from "./refunds.ts";
import type { Kind, Kinds } from "./store.ts";
import type { World } from "./world.ts";

const KEY_LIVES_MS = 24 * 60 * 60 * 1000;

/** The lists and retrievals that are alike: `/v1/<path>` and `/v1/<path>/:id`. */
const COLLECTIONS: Record<string, { kind: Kind; filters: string[] }> = {
  "checkout/sessions": { kind: "checkout.session", filters: ["payment_intent", "status"] },
  "payment_intents": { kind: "payment_intent", filters: [] },
  "charges": { kind: "charge", filters: ["payment_intent"] },
  "refunds": { kind: "refund", filters: ["charge", "payment_intent"] },
  "disputes": { kind: "dispute", filters: ["charge", "payment_intent"] },
  "prices": { kind: "price", filters: ["active", "currency", "product"] },
  "products": { kind: "product", filters: ["active"] },
  "events": { kind: "event", filters: ["type"] },
};

interface Answer {
  status: number;
  body: string;
}

/** Keys whose first request has not been answered yet. */
const inUse = new WeakMap<World, Set<string>>();

/** Answers one request to `/v1/…` the way api.stripe.com does. */
export async function answerApi(world: World, request: Request): Promise<Response> {
  const requestId = world.store.newId("req");
  const headers = new Headers({
    "content-type": "application/json",
    "request-id": requestId,
    "stripe-version": request.headers.get("stripe-version") ?? world.apiVersion,
  });
  const key = request.headers.get("idempotency-key");
  if (key) headers.set("idempotency-key", key);

  const url = new URL(request.url);
  const name = `${request.method} ${url.pathname}`;
  const form = request.method === "POST" ? await request.text() : url.search.slice(1);
  try {
    authorize(world, request);
    const fault = world.faults.ofRequest(name);
    if (fault === "hangs") {
      await world.faults.ended;
      return new Response(null, { status: 499 });
    }
    if (typeof fault === "object" && "status" in fault) throw ordered(fault.status);

    const answer = await answerOnce(world, { name, key, form, requestId, headers });
    if (typeof fault === "object") throw ordered(fault.statusAfter);
    return new Response(answer.body, { status: answer.status, headers });
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
    return new Response(errorBody(error), { status: error.status, headers });
  }
}

/** With a key, the same request is carried out once and answered the same for a day. https://docs.stripe.com/api/idempotent_requests */
async function answerOnce(
  world: World,
  asked: { name: string; key: string | null; form: string; requestId: string; headers: Headers },
): Promise<Answer> {
  const { name, key, form } = asked;
  if (!name.startsWith("POST ") || !key) {
    await world.faults.gate(name);
    return carryOut(world, name, form);
  }

  const answers = world.store.data.answers;
  const fingerprint = `${name} ${form}`;
  const kept = Object.hasOwn(answers, key) ? answers[key] : undefined;
  if (kept && kept.at > world.now().getTime() - KEY_LIVES_MS) {
    if (kept.fingerprint !== fingerprint) {
      throw new StripeFailure(400, {
        type: "idempotency_error",
        message:
          `Keys for idempotent requests can only be used with the same parameters they were first used with. ` +
          `Try using a key other than '${key}' if you meant to execute a different request.`,
      });
    }
    asked.headers.set("idempotent-replayed", "true");
    asked.headers.set("original-request", kept.requestId);
    return kept;
  }

  const underway = inUse.get(world) ?? new Set();
  inUse.set(world, underway);
  if (underway.has(key)) {
    throw new StripeFailure(409, {
      type: "idempotency_error",
      code: "idempotency_key_in_use",
      message:
        `There is currently another in-progress request using this Idempotent Key (that probably means you ` +
        `submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    });
  }
  underway.add(key);
  try {
    await world.faults.gate(name);
    const answer = carryOut(world, name, form);
    answers[key] = {
      ...answer,
      fingerprint,
      requestId: asked.requestId,
      at: world.now().getTime(),
    };
    world.store.touched();
    return answer;
  } finally {
    underway.delete(key);
  }
}

/** Refusals that come before execution (a wrong parameter) are thrown and not kept, as at Stripe. */
function carryOut(world: World, name: string, form: string): Answer {
  return {
    status: 200,
    body: JSON.stringify(route(world, name, nested(new URLSearchParams(form))), null, 2),
  };
}

function route(world: World, name: string, params: Params): unknown {
  const [method, path] = name.split(" ");
  const parts = path.replace(/^\/v1\//, "").replace(/\/$/, "").split("/").map(decodeURIComponent);
  const collection = parts[0] === "checkout" ? parts.splice(0, 2).join("/") : parts.shift()!;
  const [id, action] = parts;
  const expand = texts(params, "expand");

  switch (`${method} ${collection}${id ? "/:id" : ""}${action ? `/${action}` : ""}`) {
    case "POST checkout/sessions":
      return expanded(world, createSession(world, params), expand);
    case "GET checkout/sessions/:id":
      return expanded(world, findSession(world, id), expand);
    case "POST checkout/sessions/:id":
      return expanded(world, setMetadata(world, findSession(world, id), params), expand);
    case "POST checkout/sessions/:id/expire":
      return expanded(world, expireSession(world, id), expand);
    case "GET checkout/sessions/:id/line_items": {
      const lines = expanded(world, findSession(world, id), ["line_items"]).line_items;
      return lines;
    }
    case "POST prices":
      return expanded(world, createPrice(world, params), expand);
    case "POST refunds":
      return expanded(world, createRefund(world, params), expand);
    case "POST refunds/:id":
      return expanded(world, setMetadata(world, world.store.get("refund", id), params), expand);
  }

  const known = Object.hasOwn(COLLECTIONS, collection) ? COLLECTIONS[collection] : undefined;
  if (known && method === "GET" && id && !action) {
    return expanded(world, world.store.get(known.kind, id), expand);
  }
  if (known && method === "GET" && !id) return list(world, `/v1/${collection}`, known, params);
  throw new StripeFailure(404, {
    type: "invalid_request_error",
    message:
      `Unrecognized request URL (${method}: ${path}). The offline Stripe answers only what Wrenchline uses.`,
  });
}

function list(world: World, url: string, of: { kind: Kind; filters: string[] }, params: Params) {
  if (of.kind === "checkout.session") sweep(world);
  const known = [
    "created",
    "ending_before",
    "expand",
    "limit",
    "starting_after",
    "types",
    ...of.filters,
  ];
  onlyKnown(params, known);
  const limit = integer(params, "limit") ?? 10;
  if (limit < 1 || limit > 100) throw invalid("This value must be between 1 and 100", "limit");

  const types = texts(params, "types");
  let found: Kinds[Kind][] = world.store.all(of.kind).filter((object) => {
    const fields = object as unknown as Record<string, unknown>;
    return of.filters.every((name) =>
      params[name] === undefined || String(fields[name]) === params[name]
    ) &&
      (types.length === 0 || types.includes(String(fields.type))) &&
      isWithin(fields.created as number, params.created);
  });
  const after = text(params, "starting_after");
  if (after) found = found.slice(found.findIndex((object) => object.id === after) + 1);
  const before = text(params, "ending_before");
  if (before) {
    found = found.slice(0, Math.max(0, found.findIndex((object) => object.id === before))).slice(
      -limit,
    );
  }
  return listView(world, url, found.slice(0, limit), found.length > limit, texts(params, "expand"));
}

/** Stripe's `created`: a time, or `gt`, `gte`, `lt`, `lte`. */
function isWithin(created: number, range: Param | undefined): boolean {
  if (range === undefined) return true;
  if (typeof range === "string") return created === Number(range);
  if (Array.isArray(range)) return false;
  return Object.entries(range).every(([bound, value]) => {
    switch (bound) {
      case "gt":
        return created > Number(value);
      case "gte":
        return created >= Number(value);
      case "lt":
        return created < Number(value);
      case "lte":
        return created <= Number(value);
      default:
        return false;
    }
  });
}

function createPrice(world: World, params: Params) {
  onlyKnown(params, ["currency", "expand", "metadata", "product_data", "unit_amount"]);
  const product = params.product_data;
  if (typeof product !== "object" || Array.isArray(product)) {
    throw invalid("Missing required param: product_data.", "product_data", "parameter_missing");
  }
  return makePrice(world, {
    name: required(product, "name"),
    amount: integer(params, "unit_amount") ?? 0,
    currency: required(params, "currency"),
    metadata: metadata(params),
  });
}

function setMetadata<K extends "checkout.session" | "refund">(
  world: World,
  object: Kinds[K],
  params: Params,
): Kinds[K] {
  onlyKnown(params, ["expand", "metadata"]);
  object.metadata = { ...object.metadata, ...metadata(params) };
  return world.store.put<K>(object);
}

function authorize(world: World, request: Request): void {
  const given = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === world.store.data.secretKey) return;
  throw new StripeFailure(401, {
    type: "invalid_request_error",
    message: given === undefined
      ? "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."
      : `Invalid API Key provided: ${given.slice(0, 8)}${"*".repeat(8)}${given.slice(-4)}`,
  });
}

function ordered(status: number): StripeFailure {
  const body: FailureBody = status === 429
    ? { type: "invalid_request_error", code: "rate_limit", message: "Request rate limit exceeded." }
    : { type: "api_error", message: "An unknown error occurred." };
  return new StripeFailure(status, body);
}

function errorBody(failure: StripeFailure): string {
  return JSON.stringify({ error: failure.body }, null, 2);
}
