import { advance, innerOf, type Layer } from "./context.ts";
import { HttpError } from "./error.ts";
import type { MiddlewareFn } from "./handlers.ts";

/** What applies from a path on downwards. */
export interface Scope<State> {
  app: Layer<State> | null;
  layout: Layer<State> | null;
  error: MiddlewareFn<State> | null;
  middlewares: MiddlewareFn<State>[];
}

/** The page that answers a 404, wherever it was registered. */
export interface NotFound<State> {
  step: MiddlewareFn<State> | null;
}

/** The step that puts a scope's layouts in place and answers errors from below. */
export function enterScope<State>(
  { app, layout, error }: Scope<State>,
  notFound: NotFound<State>,
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
      const step = isNotFound ? notFound.step ?? error : error;
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
