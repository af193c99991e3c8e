import {
  type ComponentChildren,
  type ComponentType,
  type FunctionComponent,
  isValidElement,
  type VNode,
} from "preact";
import type { Build } from "./build.ts";
import type { ResolvedFreshConfig } from "./config.ts";
import { HttpError } from "./error.ts";
import type { MiddlewareFn, RouteComponent } from "./handlers.ts";
import { respondWith } from "./render.ts";

/** An island and where it is found. */
export interface Island {
  /** The file it is in. */
  file: string;
  /** Its unique name. */
  name: string;
  /** What it is exported as. */
  exportName: string;
  /** The component. */
  fn: ComponentType;
  /** Style sheets that belong to it. */
  css: string[];
}

/** What a layout file may export as `config`. */
export interface LayoutConfig {
  /** Leave the app wrapper out. */
  skipAppWrapper?: boolean;
  /** Leave the outer layouts out. */
  skipInheritedLayouts?: boolean;
}

/** What a route file may export as `config`. */
export interface RouteConfig extends LayoutConfig {
  /** A path pattern to use instead of the file's place. */
  routeOverride?: string;
  /** The methods it answers. */
  methods?:
    | "ALL"
    | ("GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "HEAD" | "OPTIONS")[];
}

/** Callbacks of a WebSocket. What an async one rejects with is unhandled: catch it inside. */
export interface WebSocketHandlers {
  /** The connection is open. */
  open?(socket: WebSocket): void;
  /** A message came. */
  message?(socket: WebSocket, event: MessageEvent): void;
  /** The connection is closed. */
  close?(socket: WebSocket, code: number, reason: string): void;
  /** The connection failed. */
  error?(socket: WebSocket, event: Event | ErrorEvent): void;
}

/** Options of a WebSocket. */
export interface WebSocketUpgradeOptions {
  /** Seconds without an answer to a ping after which the connection is closed; 120 unless set, 0 for never. */
  idleTimeout?: number;
  /** The subprotocol to accept. */
  protocol?: string;
}

const PARTIAL = "fresh-partial";

/** A layout as it applies to a request. */
export interface Layer<State> {
  // deno-lint-ignore no-explicit-any
  component: RouteComponent<any, State>;
  config?: LayoutConfig;
}

/** What a {@linkcode Context} carries that only this package may see. */
export interface Inner<State> {
  /** Everything that answers this request, outermost first. */
  chain: MiddlewareFn<State>[];
  /** Which of the chain was started last. */
  at: number;
  /** What the last call of `next()` returned. */
  answer: Promise<Response> | null;
  /** The app wrapper that applies here. */
  app: Layer<State> | null;
  /** The layouts that apply here, outermost first. */
  layouts: Layer<State>[];
  build: Build | null;
  /** The path asked for, as in a URL. */
  path: string;
  /** Set by `csp()`: inline scripts and styles get a nonce. */
  wantsNonce: boolean;
  /** The nonce, once something was rendered that needs it. */
  nonce: string | null;
  /** The methods the path does answer, when this one it does not. */
  allow: string | null;
  /** Run on the final answer, also when an error went past their owners. */
  finishers: ((response: Response) => Response)[] | null;
}

/** The package's own part of a context. */
export let innerOf: <State>(ctx: Context<State>) => Inner<State>;

/**
 * A request on its way to its answer: one object for all of its middlewares,
 * its handler and its components.
 */
export class Context<State> {
  static {
    innerOf = (ctx) => ctx.#inner;
  }

  /** The app's settings. */
  readonly config: ResolvedFreshConfig;
  /** The request; a middleware may replace it. */
  req: Request;
  /** Values of the route's placeholders, decoded. */
  readonly params: Record<string, string>;
  /** What middlewares want to tell the handler and the page. */
  readonly state: State = {} as State;
  /** About the connection. */
  readonly info: Deno.ServeHandlerInfo;
  /** The pattern of the route that matched. */
  readonly route: string | null;
  /** What was thrown, for error pages. */
  error: unknown | null = null;
  /** The data a handler returned for its page. */
  data: unknown = undefined;
  /** In a layout or app wrapper: what goes inside of it. */
  Component: FunctionComponent;
  #url: URL | null;
  #asked: string;
  #inner: Inner<State>;

  /** Made by the app for each request. */
  constructor(
    req: Request,
    url: URL | null,
    info: Deno.ServeHandlerInfo,
    config: ResolvedFreshConfig,
    match: { params: Record<string, string>; route: string | null },
    inner: Inner<State>,
  ) {
    this.req = req;
    this.#url = url;
    this.#asked = req.url;
    this.info = info;
    this.config = config;
    this.params = match.params;
    this.route = match.route;
    this.#inner = inner;
    this.Component = nothing;
  }

  /** The URL asked for; behind a trusted proxy, as the client wrote it. */
  get url(): URL {
    return this.#url ??= new URL(this.#asked);
  }

  /** Whether client navigation asks, as upstream's does; it gets the whole page nevertheless. */
  get isPartial(): boolean {
    return this.#asked.includes(PARTIAL) && this.url.searchParams.has(PARTIAL);
  }

  /** Runs the rest of the middlewares and the handler. Call it once at most. */
  next(): Promise<Response> {
    return advance(this, this.#inner);
  }

  /**
   * Redirects, with 302 unless told otherwise; after a POST, 303 is right.
   * A target that starts with a slash stays on this site.
   */
  redirect(pathOrUrl: string, status = 302): Response {
    return new Response(null, {
      status,
      headers: { location: onThisSite(pathOrUrl) },
    });
  }

  /** Renders a page into the layouts and the app wrapper that apply here. */
  render(
    // deno-lint-ignore no-explicit-any
    vnode: VNode<any> | null,
    init?: ResponseInit,
    config?: LayoutConfig,
  ): Promise<Response> {
    if (arguments.length === 0) {
      return Promise.reject(new Error("ctx.render() was called without anything to render."));
    }
    if (vnode !== null && !isValidElement(vnode)) {
      return Promise.reject(new Error("ctx.render() takes JSX, and was given something else."));
    }
    return respondWith(this, vnode, init, config);
  }

  /** Answers with plain text. */
  text(content: string, init?: ResponseInit): Response {
    return new Response(content, init);
  }

  /** Answers with HTML that is already a string. */
  html(content: string, init?: ResponseInit): Response {
    return new Response(content, withType(init, "text/html; charset=utf-8"));
  }

  /** Answers with JSON. */
  // deno-lint-ignore no-explicit-any
  json(content: any, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  /** Turns the request into a WebSocket that the caller drives; answer with `response`. */
  upgrade(options?: WebSocketUpgradeOptions): { socket: WebSocket; response: Response };
  /** Turns the request into a WebSocket, and answers with that. */
  upgrade(handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): Response;
  upgrade(
    first?: WebSocketHandlers | WebSocketUpgradeOptions,
    second?: WebSocketUpgradeOptions,
  ): Response | { socket: WebSocket; response: Response } {
    if (this.req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpError(400, "Expected a WebSocket upgrade request");
    }
    const handlers = isHandlers(first) ? first : null;
    const options = handlers ? second : first as WebSocketUpgradeOptions | undefined;
    const { socket, response } = Deno.upgradeWebSocket(this.req, options);
    if (handlers === null) return { socket, response };

    if (handlers.open) socket.onopen = () => handlers.open!(socket);
    if (handlers.message) {
      socket.onmessage = (event) => handlers.message!(socket, event);
    }
    if (handlers.close) {
      socket.onclose = (event) => handlers.close!(socket, event.code, event.reason);
    }
    if (handlers.error) {
      socket.onerror = (event) => handlers.error!(socket, event);
    }
    return response;
  }
}

/** @deprecated Use {@linkcode Context}. */
export type FreshContext<State = unknown> = Context<State>;

/** Starts the next of the chain, and remembers on the context what it throws. */
export function advance<State>(ctx: Context<State>, inner: Inner<State>): Promise<Response> {
  const at = ++inner.at;
  let result: unknown;
  try {
    if (at >= inner.chain.length) {
      throw new Error("ctx.next() was called where nothing is left, or called twice.");
    }
    result = inner.chain[at](ctx);
  } catch (error) {
    ctx.error = error;
    return inner.answer = Promise.reject(error);
  }
  // Handing on what next() returned needs no second look.
  if (result === inner.answer) return inner.answer!;
  return inner.answer = settle(ctx, inner, at, result);
}

async function settle<State>(
  ctx: Context<State>,
  inner: Inner<State>,
  at: number,
  given: unknown,
): Promise<Response> {
  try {
    const result = given instanceof Promise ? await given : given;
    if (result instanceof Response) return result;
    if (typeof result === "function") { // it was lazy: what it loaded takes its place
      inner.chain[at] = result as MiddlewareFn<State>;
      inner.at = at - 1;
      return await advance(ctx, inner);
    }
    throw new Error(
      `A middleware or handler has to return a Response, and returned: ${Deno.inspect(result)}`,
    );
  } catch (error) {
    ctx.error = error;
    throw error;
  }
}

/** Leaves other origins' URLs alone, and keeps the rest from becoming one. */
function onThisSite(target: string): string {
  const cleaned = target.replace(/[\t\r\n]/g, ""); // browsers drop these before they look
  if (!/^[/\\]/.test(cleaned)) return cleaned;
  const end = cleaned.search(/[?#]/);
  const path = end < 0 ? cleaned : cleaned.slice(0, end);
  return path.replace(/[/\\]+/g, "/") + (end < 0 ? "" : cleaned.slice(end));
}

function isHandlers(value: object | undefined): value is WebSocketHandlers {
  if (value === undefined) return false;
  const handlers = value as WebSocketHandlers;
  return [handlers.open, handlers.message, handlers.close, handlers.error]
    .some((handler) => typeof handler === "function");
}

function withType(init: ResponseInit | undefined, type: string): ResponseInit {
  const headers = new Headers(init?.headers);
  headers.set("content-type", type);
  return { ...init, headers };
}

function nothing(): ComponentChildren {
  return null;
}
