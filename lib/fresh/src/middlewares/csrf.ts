import type { Context } from "../context.ts";
import { HttpError } from "../error.ts";
import type { MiddlewareFn } from "../handlers.ts";

/** Options of {@linkcode csrf}. */
// deno-lint-ignore no-explicit-any
export interface CsrfOptions<State = any> {
  /** Origins that may send requests besides pages of this site; or what decides. */
  origin?:
    | string
    | string[]
    | ((origin: string, ctx: Context<State>) => boolean);
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses requests with effects that another site's page makes a browser send.
 * Trusts the browser's `Sec-Fetch-Site`, then its `Origin`; clients that are
 * not browsers send neither and pass. Every GET passes, WebSockets included.
 */
export function csrf<State>(options: CsrfOptions<State> = {}): MiddlewareFn<State> {
  const { origin: allowed } = options;

  function isAllowed(origin: string | null, ctx: Context<State>): boolean {
    if (origin === null) return false;
    if (allowed === undefined) return origin === ctx.url.origin;
    if (typeof allowed === "function") return allowed(origin, ctx);
    return typeof allowed === "string" ? origin === allowed : allowed.includes(origin);
  }

  return (ctx) => {
    const { method, headers } = ctx.req;
    if (!SAFE_METHODS.has(method)) {
      const site = headers.get("sec-fetch-site");
      const origin = headers.get("origin");
      const passes = site === null
        ? origin === null || isAllowed(origin, ctx)
        : site === "same-origin" || site === "none" || isAllowed(origin, ctx);
      if (!passes) throw new HttpError(403);
    }
    return ctx.next();
  };
}
