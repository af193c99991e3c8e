import { csp, type MiddlewareFn } from "fresh";
import { environment } from "../environment.ts";
import type { State } from "../state.ts";

/** Sets on every answer, errors included, the headers that tell a browser what our pages never do. */
export const securityHeaders: MiddlewareFn<State> = async (ctx) => {
  const res = await ctx.next();
  const headers = res.headers;
  headers.set("X-Content-Type-Options", "nosniff");
  // Addresses of ours hold ids of sessions and checkouts: no other site gets them.
  headers.set("Referrer-Policy", "same-origin");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(), payment=()");
  if (environment().publicUrl.protocol === "https:") {
    headers.set("Strict-Transport-Security", "max-age=31536000");
  }
  // What is not a static file was made for one person.
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  return res;
};

let policy: MiddlewareFn<State> | undefined;

/** The content security policy: nothing inline but what carries the nonce, nothing from elsewhere. */
export const contentSecurityPolicy: MiddlewareFn<State> = (ctx) => {
  policy ??= csp<State>({
    useNonce: true,
    csp: [
      "img-src 'self' data: blob:",
      "connect-src 'self'",
      // A form of ours ends, by redirect, at Stripe's pay page.
      `form-action 'self' ${environment().stripeHost?.origin ?? "https://checkout.stripe.com"}`,
    ],
  }) as MiddlewareFn<State>;
  return policy(ctx);
};
