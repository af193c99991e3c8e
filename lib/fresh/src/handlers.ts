import type { ComponentChildren, VNode } from "preact";
import type { Context } from "./context.ts";

/** The methods a handler object may have. */
export type Method =
  | "HEAD"
  | "GET"
  | "POST"
  | "PATCH"
  | "PUT"
  | "DELETE"
  | "OPTIONS";

/** All of {@linkcode Method}. */
export const METHODS: readonly Method[] = [
  "GET",
  "POST",
  "PATCH",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
];

/** The method of a request, however it is spelled: HTTP keeps `patch` in small letters. */
export function methodOf(req: Request): Method {
  return req.method.toUpperCase() as Method;
}

/** Something, or what will load it when it is first needed. */
export type Lazy<Value> = () => Promise<Value>;
/** Either the thing or its {@linkcode Lazy} form. */
export type MaybeLazy<Value> = Value | Lazy<Value>;

/**
 * Sees a request on its way in (before `ctx.next()`) and the answer on its
 * way out (after it).
 */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;
/** The same by its older name. */
export type MiddlewareFn<State> = Middleware<State>;

/** What a page, layout, error page or the app wrapper is rendered with. */
export type PageProps<Data = unknown, State = unknown> =
  & Pick<
    Context<State>,
    | "config"
    | "url"
    | "req"
    | "params"
    | "info"
    | "state"
    | "isPartial"
    | "Component"
    | "error"
    | "route"
  >
  & {
    /** What the handler returned as `data`. */
    data: Data;
  };

/** Data for a page, from its handler. */
export interface PageResponse<Data> {
  /** Becomes `props.data`. */
  data: Data;
  /** Headers of the answer. */
  headers?: HeadersInit;
  /** Status of the answer, 200 unless set. */
  status?: number;
}

/** Renders the file's page with this data: `return page({ plans })`. */
export function page<Data>(
  data: Data,
  options?: { status?: number; headers?: HeadersInit },
): PageResponse<Data>;
/** Renders the file's page without data. */
export function page(): PageResponse<undefined>;
export function page<Data>(
  data?: Data,
  options?: { status?: number; headers?: HeadersInit },
): PageResponse<Data> {
  return {
    data: data ?? undefined as Data,
    headers: options?.headers,
    status: options?.status,
  };
}

/** Answers a request, or returns data for the page. */
export interface HandlerFn<Data, State> {
  (ctx: Context<State>): PageResponse<Data> | Response | Promise<PageResponse<Data> | Response>;
}

/** A handler for each method. */
export type HandlerByMethod<Data, State> = {
  [M in Method]?: HandlerFn<Data, State>;
};

/** What a route file exports as `handler`. */
export type RouteHandler<Data, State> =
  | HandlerFn<Data, State>
  | HandlerByMethod<Data, State>;

/** The data a handler gives its page. */
// deno-lint-ignore no-explicit-any
export type RouteData<Handler extends RouteHandler<any, any>> = Handler extends // deno-lint-ignore no-explicit-any
HandlerFn<infer Data, any> ? Data
  // deno-lint-ignore no-explicit-any
  : Handler extends HandlerByMethod<infer Data, any> ? Data
  : never;

/** A page; called instead of mounted when it is an `async function`. */
export type RouteComponent<Data, State> =
  | ((props: PageProps<Data, State>) => ComponentChildren)
  | AsyncRouteComponent<Data, State>;

/** A page that waits for something; it may answer with a Response instead. */
export type AsyncRouteComponent<Data, State> = (
  props: PageProps<Data, State>,
) => Promise<VNode | Response | null>;

/** Refuses the `(req, ctx)` handlers of Fresh 1, which would fail in puzzling ways. */
export function refuseTwoParameters(fn: unknown, where: string): void {
  if (typeof fn === "function" && fn.length > 1) {
    throw new Error(
      `${where} declares ${fn.length} parameters. Handlers and middlewares take one, the context: ` +
        `write (ctx) instead of (req, ctx) and use ctx.req.`,
    );
  }
}

const AsyncFunction = (async () => {}).constructor;

/** Whether this is an `async function`, which is called rather than mounted. */
export function isAsyncFunction(fn: unknown): boolean {
  return typeof fn === "function" && fn.constructor === AsyncFunction;
}
