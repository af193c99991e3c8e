/**
 * The part of Fresh 2's public API that this repository uses, under Fresh's
 * own names. Nothing here exists that upstream's `@fresh/core` does not have.
 *
 * @module
 */

export { App, type ListenOptions } from "./src/app.ts";
export type { FreshConfig, ResolvedFreshConfig } from "./src/config.ts";
export type {
  Context,
  FreshContext,
  Island,
  LayoutConfig,
  RouteConfig,
  WebSocketHandlers,
  WebSocketUpgradeOptions,
} from "./src/context.ts";
export { createDefine, type Define } from "./src/define.ts";
export { HttpError } from "./src/error.ts";
export {
  type HandlerByMethod,
  type HandlerFn,
  type Lazy,
  type MaybeLazy,
  type Method,
  type Middleware,
  type MiddlewareFn,
  page,
  type PageProps,
  type PageResponse,
  type RouteData,
  type RouteHandler,
} from "./src/handlers.ts";
export { csp, type CSPOptions } from "./src/middlewares/csp.ts";
export { csrf, type CsrfOptions } from "./src/middlewares/csrf.ts";
export { staticFiles } from "./src/middlewares/static_files.ts";
export { trailingSlashes } from "./src/middlewares/trailing_slashes.ts";
