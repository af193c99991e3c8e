import type { LayoutConfig, RouteConfig } from "./context.ts";
import type { MaybeLazy, Method, MiddlewareFn, RouteComponent, RouteHandler } from "./handlers.ts";

/** A page given to `app.route()`. */
export interface Route<State> {
  /** Shown with the data of the handler. */
  // deno-lint-ignore no-explicit-any
  component?: RouteComponent<any, State>;
  /** Answers, or returns data. */
  // deno-lint-ignore no-explicit-any
  handler?: RouteHandler<any, State>;
  /** Settings. */
  config?: RouteConfig;
  /** Style sheets; kept for upstream's sake, without effect. */
  css?: string[];
}
/** A component that gets what goes inside as `Component`. */
// deno-lint-ignore no-explicit-any
export type Layout<State> = RouteComponent<any, State>;
/** The outermost {@linkcode Layout}. */
export type AppWrapper<State> = Layout<State>;

/** What was registered on an app. */
export type Command<State> =
  | { kind: "use"; path: string; middlewares: MiddlewareFn<State>[] }
  | {
    kind: "handle";
    methods: Method[] | "ALL";
    path: string;
    handlers: MiddlewareFn<State>[];
  }
  | {
    kind: "route";
    path: string;
    route: MaybeLazy<Route<State>>;
    config?: RouteConfig;
  }
  | {
    kind: "layout";
    path: string;
    component: Layout<State>;
    config?: LayoutConfig;
  }
  | { kind: "app"; component: AppWrapper<State> }
  | { kind: "notFound"; route: Route<State> | MiddlewareFn<State> }
  | { kind: "error"; path: string; route: Route<State> | MiddlewareFn<State> }
  | { kind: "files"; path: string };
