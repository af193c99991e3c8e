import type { Route } from "./commands.ts";
import { innerOf, type RouteConfig } from "./context.ts";
import { HttpError } from "./error.ts";
import { type HandlerByMethod, type HandlerFn, methodOf, type MiddlewareFn } from "./handlers.ts";
import { type PageRoute, pageStep } from "./page_step.ts";

/** An error page: its status is the error's, unless its handler says otherwise. */
export function errorStep<State>(
  given: Route<State> | MiddlewareFn<State>,
  status: number | null,
): MiddlewareFn<State> {
  const route = pageRoute(typeof given === "function" ? { handler: given } : given);
  return (ctx) => {
    const { handler } = route;
    const fn = typeof handler === "object" && handler !== null
      ? (handler[methodOf(ctx.req)] ?? handler.GET)
      : handler;
    const own = ctx.error instanceof HttpError ? ctx.error.status : 500;
    return pageStep(route, fn, status ?? own)(ctx);
  };
}

/** A page that is loaded when it is first asked for. */
export function lazyStep<State>(
  load: () => Promise<Route<State>>,
  config: RouteConfig | undefined,
): MiddlewareFn<State> {
  let route: PageRoute<State> | null = null;
  return async (ctx) => {
    route ??= pageRoute(await load(), config);
    const { handler, component } = route;
    if (typeof handler !== "object" || handler === null) {
      return await pageStep(route, handler)(ctx);
    }
    const method = methodOf(ctx.req);
    const fn = handler[method] ?? (method === "HEAD" ? handler.GET : undefined);
    if (fn === undefined && !(component && (method === "GET" || method === "HEAD"))) {
      innerOf(ctx).allow = Object.keys(handler).join(", ");
      throw new HttpError(405);
    }
    return await pageStep(route, fn)(ctx);
  };
}

/** A route as the steps need it; settings given apart win. */
export function pageRoute<State>(route: Route<State>, config?: RouteConfig): PageRoute<State> {
  return {
    component: route.component,
    handler: route.handler as
      | HandlerFn<unknown, State>
      | HandlerByMethod<unknown, State>
      | undefined,
    config: config ?? route.config,
  };
}
