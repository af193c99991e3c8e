import { type Context, innerOf, type RouteConfig } from "./context.ts";
import type {
  HandlerByMethod,
  HandlerFn,
  MiddlewareFn,
  PageResponse,
  RouteComponent,
} from "./handlers.ts";
import { respondWith } from "./render.ts";

/** A page, its handler, or both. */
export interface PageRoute<State> {
  // deno-lint-ignore no-explicit-any
  component?: RouteComponent<any, State>;
  handler?: HandlerFn<unknown, State> | HandlerByMethod<unknown, State>;
  config?: RouteConfig;
}

/** The end of a chain: asks the handler, then renders the page with its data. */
export function pageStep<State>(
  route: PageRoute<State>,
  handler: HandlerFn<unknown, State> | undefined,
  status = 200,
): MiddlewareFn<State> {
  const { component, config } = route;
  if (handler === undefined) {
    return (ctx) => renderPage(ctx, component, { data: {} }, status, config);
  }
  return async (ctx) => {
    if (config !== undefined) applyConfig(ctx, config);
    const result: unknown = await handler(ctx);
    if (result instanceof Response) return result;
    if (typeof result === "function") { // it was lazy
      return await pageStep(route, result as HandlerFn<unknown, State>, status)(ctx);
    }
    if (typeof result !== "object" || result === null || !("data" in result)) {
      throw new Error(
        `A handler has to return a Response or page(data), and returned: ${Deno.inspect(result)}`,
      );
    }
    return await renderPage(ctx, component, result as PageResponse<unknown>, status, undefined);
  };
}

function renderPage<State>(
  ctx: Context<State>,
  component: PageRoute<State>["component"],
  page: PageResponse<unknown>,
  status: number,
  config: RouteConfig | undefined,
): Promise<Response> {
  if (config !== undefined) applyConfig(ctx, config);
  if (component === undefined) {
    throw new Error("A handler returned data, but there is no component to show it.");
  }
  ctx.data = page.data;
  const init = { status: page.status ?? status, headers: page.headers };
  return respondWith(ctx, component, init, undefined);
}

function applyConfig<State>(ctx: Context<State>, config: RouteConfig): void {
  const inner = innerOf(ctx);
  if (config.skipAppWrapper) inner.app = null;
  if (config.skipInheritedLayouts) inner.layouts = [];
}
