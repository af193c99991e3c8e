import type { MiddlewareFn } from "../handlers.ts";

/** Redirects so that paths always, or never, end with a slash. The query stays. */
export function trailingSlashes<State>(mode: "always" | "never"): MiddlewareFn<State> {
  return (ctx) => {
    const { pathname, search } = ctx.url;
    const has = pathname.endsWith("/");
    if (mode === "always" && !has) return ctx.redirect(`${pathname}/${search}`);
    if (mode === "never" && has && pathname !== "/") {
      return ctx.redirect(pathname.replace(/\/+$/, "") + search);
    }
    return ctx.next();
  };
}
