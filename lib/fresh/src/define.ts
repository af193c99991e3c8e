import type {
  HandlerByMethod,
  HandlerFn,
  Middleware,
  RouteComponent,
  RouteHandler,
} from "./handlers.ts";

/** Helpers that give handlers, pages, middlewares and layouts their types. */
export interface Define<State> {
  /** Types a route's handlers. */
  handlers<
    Data,
    Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>,
  >(handlers: Handlers): typeof handlers;
  /** Types a page; `define.page<typeof handler>` knows the handler's data. */
  page<
    // deno-lint-ignore no-explicit-any
    Handler extends RouteHandler<any, State> = never,
    Data = DataOf<Handler, State>,
  >(render: RouteComponent<Data, State>): typeof render;
  /** Types a middleware, or a list of them. */
  middleware<M extends Middleware<State> | Middleware<State>[]>(middleware: M): typeof middleware;
  /** Types a layout. */
  layout(render: RouteComponent<unknown, State>): typeof render;
}

/** The data that a handler, or any method of a handler object, returns. */
type DataOf<Handler, State> = [Handler] extends [never] ? never
  : Handler extends HandlerFn<infer Data, State> ? Data
  : Handler extends HandlerByMethod<infer Data, State> ? Data
  : never;

/** Makes the typed helpers for an app's state; do it once and import them. */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (render) => render,
    middleware: (middleware) => middleware,
    layout: (render) => render,
  };
}
