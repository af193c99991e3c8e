import type { App } from "./app.ts";
import { type Build, buildOf } from "./build.ts";
import {
  advance,
  Context,
  type Inner,
  innerOf,
  type Layer,
  type LayoutConfig,
  type RouteConfig,
} from "./context.ts";
import { answerUncaught } from "./default_error.ts";
import { HttpError } from "./error.ts";
import {
  bySpecificity,
  type FileRoute,
  isGroup,
  isMethodObject,
  placeOf,
  readModule,
} from "./file_routes.ts";
import {
  type HandlerByMethod,
  type HandlerFn,
  type MaybeLazy,
  type Method,
  METHODS,
  type MiddlewareFn,
  refuseTwoParameters,
  type RouteComponent,
  type RouteHandler,
} from "./handlers.ts";
import { withHeader } from "./headers.ts";
import { type PageRoute, pageStep } from "./page_step.ts";
import { Router } from "./router.ts";

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

/** What applies from a path on downwards. */
interface Scope<State> {
  app: Layer<State> | null;
  layout: Layer<State> | null;
  error: MiddlewareFn<State> | null;
  middlewares: MiddlewareFn<State>[];
}

type Handler = (
  request: Request,
  info?: Deno.ServeHandlerInfo,
) => Promise<Response>;

/** Turns what was registered into the function that answers requests. */
export function compile<State>(
  app: App<State>,
  commands: Command<State>[],
): Handler {
  const build = buildOf(app);
  const plan = new Plan<State>(app.config.basePath, build);
  for (const command of commands) plan.apply(command);
  return answering(app, build, plan);
}

class Plan<State> {
  router = new Router<MiddlewareFn<State>[]>();
  /** What was registered for paths, and what the folders of routes hold; both have a root. */
  #scopes = new Map<string, Scope<State>>();
  #folders = new Map<string, Scope<State>>();
  #notFound: { step: MiddlewareFn<State> | null } = { step: null };
  #basePath: string;
  #build: Build | null;

  constructor(basePath: string, build: Build | null) {
    this.#basePath = basePath;
    this.#build = build;
    this.#scope([]);
  }

  apply(command: Command<State>): void {
    switch (command.kind) {
      case "use":
        command.middlewares.forEach((fn) => refuseTwoParameters(fn, "A middleware"));
        this.#scope(segmentsOf(command.path)).middlewares.push(
          ...command.middlewares,
        );
        break;
      case "handle": {
        command.handlers.forEach((fn) => refuseTwoParameters(fn, `The handler of ${command.path}`));
        const chain = [
          ...this.#chain(segmentsOf(command.path)),
          ...command.handlers,
        ];
        this.#register(command.methods, command.path, () => chain);
        break;
      }
      case "route":
        this.#addRoute(
          command.path,
          segmentsOf(command.path),
          command.route,
          command.config,
        );
        break;
      case "layout":
        this.#scope(segmentsOf(command.path)).layout = command;
        break;
      case "app":
        this.#scope([]).app = command;
        break;
      case "notFound":
        this.#notFound.step = errorStep(command.route, 404);
        break;
      case "error":
        this.#scope(segmentsOf(command.path)).error = errorStep(
          command.route,
          null,
        );
        break;
      case "files":
        this.#addFiles(command.path);
    }
  }

  /** What runs for a path nobody answers, or not by this method. */
  fallback(answer: MiddlewareFn<State>): MiddlewareFn<State>[] {
    return [...this.#chain([]), answer];
  }

  #addFiles(path: string): void {
    const prefix = path === "*" ? "" : path.replace(/\/\*?$/, "");
    const base = segmentsOf(prefix);
    const routes: { file: FileRoute; pattern: string; segments: string[]; depth: number }[] = [];
    for (const file of this.#build?.routes ?? []) {
      const place = placeOf(file.id);
      const segments = [...base, ...place.segments];
      const depth = base.length + place.folder;
      if (place.role === "route") {
        const override = (file.module.config as RouteConfig | undefined)
          ?.routeOverride;
        routes.push({ file, pattern: override ?? place.pattern, segments, depth });
      } else {
        this.#addFile(file, place.role, segments);
      }
    }
    routes.sort((a, b) => bySpecificity(a.pattern, b.pattern));
    for (const { file, pattern, segments, depth } of routes) {
      const { handler, component, config } = readModule(file);
      this.#addRoute(
        joinPaths(prefix, pattern),
        segments,
        { handler, component, config } as Route<State>,
        undefined,
        `routes/${file.id}`,
        depth,
      );
    }
  }

  #addFile(file: FileRoute, role: string, segments: string[]): void {
    const { handler, component, config } = readModule(file);
    const scope = this.#scope(segments, segments.length === 0 ? this.#scopes : this.#folders);
    const route = { handler, component, config } as Route<State>;
    switch (role) {
      case "app":
        scope.app = {
          component: componentOf(component, file) as Layout<State>,
        };
        break;
      case "layout":
        scope.layout = {
          component: componentOf(component, file) as Layout<State>,
          config,
        };
        break;
      case "middleware": {
        const given = handler ?? component;
        if (isMethodObject(given)) {
          console.warn(
            `routes/${file.id}: a middleware cannot be an object of methods; ignored.`,
          );
          break;
        }
        const fns = [given].flat() as MiddlewareFn<State>[];
        fns.forEach((fn) => refuseTwoParameters(fn, `routes/${file.id}`));
        scope.middlewares.push(...fns);
        break;
      }
      case "error":
        scope.error = errorStep(route, null);
        break;
      case "notFound":
        this.#notFound.step = errorStep(route, 404);
    }
  }

  #addRoute(
    path: string,
    segments: string[],
    given: MaybeLazy<Route<State>>,
    config: RouteConfig | undefined,
    name = `The handler of ${path}`,
    depth = segments.length,
  ): void {
    const before = this.#chain(segments, depth);
    if (typeof given === "function") {
      this.#register("ALL", path, () => [...before, lazyStep(given, config)]);
      return;
    }
    const route = pageRoute(given, config);
    const { handler, component } = route;
    if (typeof handler === "object" && handler !== null) {
      const methods = METHODS.filter((method) => handler[method] !== undefined);
      methods.forEach((method) => refuseTwoParameters(handler[method], name));
      if (component !== undefined && !methods.includes("GET")) {
        methods.push("GET");
      }
      this.#register(
        methods,
        path,
        (method) => [...before, pageStep(route, handler[method])],
      );
    } else {
      refuseTwoParameters(handler, name);
      const chain = [...before, pageStep(route, handler)];
      const methods = route.config?.methods ?? "ALL";
      this.#register(methods, path, () => chain);
    }
  }

  #register(
    methods: Method[] | "ALL",
    path: string,
    chainFor: (method: Method) => MiddlewareFn<State>[],
  ): void {
    const pattern = joinPaths(this.#basePath, path);
    for (const method of methods === "ALL" ? METHODS : methods) {
      this.router.add(method, pattern, chainFor(method));
    }
  }

  #scope(segments: string[], scopes = this.#scopes): Scope<State> {
    const key = segments.join("/");
    let scope = scopes.get(key);
    if (scope === undefined) {
      scope = { app: null, layout: null, error: null, middlewares: [] };
      scopes.set(key, scope);
    }
    return scope;
  }

  /**
   * The steps that everything at a place goes through, as of now. The folder
   * `a` is not around the file `a.tsx` next to it: `depth` says how deep the
   * folders go.
   */
  #chain(segments: string[], depth = segments.length): MiddlewareFn<State>[] {
    const scopes = new Set([this.#scopes.get("")]);
    for (let length = 1; length <= segments.length; length++) {
      const path = segments.slice(0, length);
      // Groups show in no URL, so what was registered for the URL applies in them as well.
      scopes.add(this.#scopes.get(path.filter((segment) => !isGroup(segment)).join("/")));
      if (length <= depth) scopes.add(this.#folders.get(path.join("/")));
    }
    const root = this.#scopes.get("");
    return [...scopes].flatMap((scope) =>
      scope === undefined ? [] : [
        ...enterScope(scope, this.#notFound, scope === root),
        ...scope.middlewares,
      ]
    );
  }
}

/** The step that puts a scope's layouts in place and answers errors from below. */
function enterScope<State>(
  { app, layout, error }: Scope<State>,
  notFound: { step: MiddlewareFn<State> | null },
  isRoot: boolean,
): MiddlewareFn<State>[] {
  if (!isRoot && app === null && layout === null && error === null) return [];
  return [async (ctx) => {
    const inner = innerOf(ctx);
    const { app: outerApp, layouts: outerLayouts } = inner;
    const enter = () => {
      inner.app = layout?.config?.skipAppWrapper ? null : app ?? outerApp;
      if (layout === null) inner.layouts = outerLayouts;
      else if (layout.config?.skipInheritedLayouts) inner.layouts = [layout];
      else inner.layouts = [...outerLayouts, layout];
    };
    enter();
    try {
      return await advance(ctx, inner);
    } catch (thrown) {
      const isNotFound = thrown instanceof HttpError && thrown.status === 404;
      const step = isNotFound && notFound.step !== null ? (isRoot ? notFound.step : null) : error;
      if (step === null) throw thrown;
      ctx.error = thrown;
      enter(); // the page that failed may have left layouts out
      return await step(ctx);
    } finally {
      inner.app = outerApp;
      inner.layouts = outerLayouts;
    }
  }];
}

/** An error page: its status is the error's, unless its handler says otherwise. */
function errorStep<State>(
  given: Route<State> | MiddlewareFn<State>,
  status: number | null,
): MiddlewareFn<State> {
  const route = pageRoute(
    typeof given === "function" ? { handler: given } : given,
  );
  return (ctx) => {
    const { handler } = route;
    const fn = typeof handler === "object" && handler !== null
      ? (handler[ctx.req.method as Method] ?? handler.GET)
      : handler;
    const own = ctx.error instanceof HttpError ? ctx.error.status : 500;
    return pageStep(route, fn, status ?? own)(ctx);
  };
}

/** A page that is loaded when it is first asked for. */
function lazyStep<State>(
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
    const method = ctx.req.method as Method;
    const fn = handler[method] ?? (method === "HEAD" ? handler.GET : undefined);
    if (
      fn === undefined &&
      !(component && (method === "GET" || method === "HEAD"))
    ) {
      innerOf(ctx).allow = Object.keys(handler).join(", ");
      throw new HttpError(405);
    }
    return await pageStep(route, fn)(ctx);
  };
}

function pageRoute<State>(
  route: Route<State>,
  config?: RouteConfig,
): PageRoute<State> {
  return {
    component: route.component,
    handler: route.handler as
      | HandlerFn<unknown, State>
      | HandlerByMethod<unknown, State>
      | undefined,
    config: config ?? route.config,
  };
}

function componentOf(component: unknown, file: FileRoute): unknown {
  if (typeof component !== "function") {
    throw new Error(`routes/${file.id} has to export a component as default.`);
  }
  return component;
}

/** The function that answers requests. */
function answering<State>(
  app: App<State>,
  build: Build | null,
  plan: Plan<State>,
): Handler {
  const { config } = app;
  const unknown = plan.fallback(() => {
    throw new HttpError(404);
  });
  const wrongMethod = plan.fallback((ctx) => {
    if (ctx.req.method === "OPTIONS") {
      return new Response(null, {
        status: 204,
        headers: { allow: innerOf(ctx).allow! },
      });
    }
    throw new HttpError(405);
  });

  return async (req, info = NO_INFO) => {
    const forwarded = config.trustProxy ? forwardedUrl(req) : null;
    const plain = forwarded === null ? plainPath(req.url) : null;
    const url = plain === null ? forwarded ?? new URL(req.url) : null;
    if (url !== null) url.pathname = url.pathname.replace(/\/{2,}/g, "/");

    const path = plain ?? url!.pathname;
    const match = plan.router.match(req.method, path);
    const inner: Inner<State> = {
      chain: match.item ?? (match.allow === null ? unknown : wrongMethod),
      at: -1,
      app: null,
      layouts: NO_LAYOUTS,
      build,
      path,
      wantsNonce: false,
      nonce: null,
      allow: match.allow,
      finishers: [],
    };
    const route = match.item === null ? null : match.pattern;
    const ctx = new Context<State>(req, url, info, config, {
      params: match.params,
      route,
    }, inner);

    let response: Response;
    try {
      response = await advance(ctx, inner);
    } catch (error) {
      response = answerUncaught(ctx, error);
    }
    for (const finish of inner.finishers) response = finish(response);
    if (
      response.status === 405 && inner.allow !== null &&
      !response.headers.has("allow")
    ) {
      response = withHeader(response, "allow", inner.allow);
    }
    return req.method === "HEAD" && response.body !== null
      ? new Response(null, response)
      : response;
  };
}

const NO_LAYOUTS: never[] = [];

/** Stands in for the connection where there is none, as in tests. */
const NO_INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
} as Deno.ServeHandlerInfo;

/** The path of a URL that needs no normalizing; null where a URL parser has to look. */
function plainPath(url: string): string | null {
  return /^https?:\/\/[^/?#]+((?:\/[\w~-][\w.~-]*)*\/?)(?:\?[^#]*)?$/.exec(url)
    ?.[1] || null;
}

/** The URL as the client wrote it, according to the proxy; null when it says nothing. */
function forwardedUrl(req: Request): URL | null {
  const proto = req.headers.get("x-forwarded-proto")?.split(",")[0].trim();
  const host = req.headers.get("x-forwarded-host")?.split(",")[0].trim();
  if (!proto && !host) return null;
  const url = new URL(req.url);
  if (proto === "http" || proto === "https") url.protocol = proto;
  if (host) {
    url.port = "";
    url.host = host;
  }
  return url;
}

function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/\/?\*$/, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.replace(/^\//, "").split("/");
}

function joinPaths(base: string, path: string): string {
  if (base === "") return path;
  if (path === "*" || path === "/*") return `${base}{/*}?`;
  return path === "/" ? base : base + (/^[/{]/.test(path) ? path : `/${path}`);
}
