import type { AppWrapper, Command, Layout, Route } from "./commands.ts";
import { compile } from "./compile.ts";
import { type FreshConfig, resolveConfig, type ResolvedFreshConfig } from "./config.ts";
import type {
  Context,
  LayoutConfig,
  RouteConfig,
  WebSocketHandlers,
  WebSocketUpgradeOptions,
} from "./context.ts";
import { serveOnFreePort } from "./listen.ts";
import type { MaybeLazy, Method, MiddlewareFn } from "./handlers.ts";

/** Where and how {@linkcode App.listen} serves. */
export type ListenOptions =
  & Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem>
  & {
    /** Shown instead of the real address when listening begins. */
    remoteAddress?: string;
  };

/**
 * An app: middlewares, handlers and pages, in the order they are registered.
 * Each affects only what is registered after it.
 */
export class App<State> {
  /** The settings in effect. */
  config: ResolvedFreshConfig;
  #commands: Command<State>[] = [];

  /** Makes an app without any routes. */
  constructor(config: FreshConfig = {}) {
    this.config = resolveConfig(config);
  }

  /** Adds middlewares, for everything or for a path and what is below it. */
  use(...middleware: Given<State>[]): this;
  use(path: string, ...middleware: Given<State>[]): this;
  use(first: string | Given<State> | undefined, ...rest: Given<State>[]): this {
    const path = typeof first === "string" ? first : "*";
    const given = typeof first === "string" || first === undefined ? rest : [first, ...rest];
    return this.#add({ kind: "use", path, middlewares: eager(given) });
  }

  /** Answers GET, and HEAD where nothing else does. */
  get(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["GET"], path, middleware);
  }

  /** Answers POST. */
  post(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["POST"], path, middleware);
  }

  /** Answers PUT. */
  put(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["PUT"], path, middleware);
  }

  /** Answers PATCH. */
  patch(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["PATCH"], path, middleware);
  }

  /** Answers DELETE. */
  delete(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["DELETE"], path, middleware);
  }

  /** Answers HEAD. */
  head(path: string, ...middleware: Given<State>[]): this {
    return this.#handle(["HEAD"], path, middleware);
  }

  /** Answers every method. */
  all(path: string, ...middleware: Given<State>[]): this {
    return this.#handle("ALL", path, middleware);
  }

  /** Answers with a WebSocket. */
  ws(path: string, handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): this {
    return this.get(path, (ctx) => ctx.upgrade(handlers, options));
  }

  /** Adds a page, its handler, or both. */
  route(path: string, route: MaybeLazy<Route<State>>, config?: RouteConfig): this {
    return this.#add({ kind: "route", path, route, config });
  }

  /** Adds a layout for a path and what is below it. */
  layout(path: string, component: Layout<State>, config?: LayoutConfig): this {
    return this.#add({ kind: "layout", path, component, config });
  }

  /** Sets what every page is wrapped in, outside of all layouts. */
  appWrapper(component: AppWrapper<State>): this {
    return this.#add({ kind: "app", component });
  }

  /** Sets what answers a 404. */
  notFound(routeOrMiddleware: Route<State> | MiddlewareFn<State>): this {
    return this.#add({ kind: "notFound", route: routeOrMiddleware });
  }

  /** Sets what answers errors below a path. */
  onError(path: string, routeOrMiddleware: Route<State> | MiddlewareFn<State>): this {
    return this.#add({ kind: "error", path, route: routeOrMiddleware });
  }

  /** Puts the files of `routes/` here, under a path if one is given. */
  fsRoutes(pattern = "*"): this {
    return this.#add({ kind: "files", path: pattern });
  }

  /** Makes the function that answers requests, from what is registered so far. */
  handler(): (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    return compile(this, this.#commands);
  }

  /** Serves the app. Without a port, the first free one from 8000 on. */
  // deno-lint-ignore require-await
  async listen(options: ListenOptions = {}): Promise<void> {
    serveOnFreePort(this.handler(), this.config, options);
  }

  #handle(methods: Method[] | "ALL", path: string, middlewares: Given<State>[]): this {
    return this.#add({
      kind: "handle",
      methods,
      path,
      handlers: eager(middlewares),
    });
  }

  #add(command: Command<State>): this {
    this.#commands.push(command);
    return this;
  }
}

/** A middleware, or one that is loaded when it is first run. */
type Given<State> = (
  ctx: Context<State>,
) => Response | Promise<Response | MiddlewareFn<State>>;

/** A lazy middleware passes for one that is there: it is resolved when first run. */
function eager<State>(given: Given<State>[]): MiddlewareFn<State>[] {
  return given as MiddlewareFn<State>[];
}
