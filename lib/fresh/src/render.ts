import { type ComponentChildren, type FunctionComponent, h, type VNode } from "preact";
import { type Context, innerOf, type Layer, type LayoutConfig } from "./context.ts";
import { renderDocument } from "./document.ts";
import { isAsyncFunction, type RouteComponent } from "./handlers.ts";

type Content = ComponentChildren | Response;

/**
 * Renders a page or some JSX into its layouts and the app wrapper. Async
 * components are called; one that returns a Response has the last word.
 */
export async function respondWith<State>(
  ctx: Context<State>,
  // deno-lint-ignore no-explicit-any
  page: VNode<any> | null | RouteComponent<any, State>,
  init: ResponseInit | undefined,
  config: LayoutConfig | undefined,
): Promise<Response> {
  const inner = innerOf(ctx);
  const layouts = config?.skipInheritedLayouts ? [] : inner.layouts;
  const app = config?.skipAppWrapper ? null : inner.app;

  let content: Content = typeof page === "function" ? element(page, ctx, ctx.Component) : page;
  if (content instanceof Promise) content = await content as Content;
  for (let at = layouts.length - 1; at >= 0 && !(content instanceof Response); at--) {
    content = wrap(layouts[at], ctx, content);
    if (content instanceof Promise) content = await content as Content;
  }
  if (content instanceof Response) return content;

  // An app wrapper that is async has to be called before anything is
  // rendered, and may still answer by itself.
  let place: FunctionComponent | null = null;
  let frame: Content = null;
  let filling: ComponentChildren = null;
  if (app !== null) {
    place = () => filling;
    frame = element(app.component, ctx, place);
    if (frame instanceof Promise) frame = await frame as Content;
    if (frame instanceof Response) return frame;
  }

  const { html, scripts } = renderDocument(ctx, inner, content, (inside) => {
    filling = inside;
    return app === null ? null : frame as ComponentChildren;
  });
  return new Response(html, {
    status: init?.status,
    statusText: init?.statusText,
    headers: headersFor(init?.headers, scripts),
  });
}

const HTML: [string, string][] = [["content-type", "text/html; charset=utf-8"]];

function headersFor(given: HeadersInit | undefined, scripts: string[]): HeadersInit {
  if (given === undefined && scripts.length === 0) return HTML;
  const headers = new Headers(given);
  headers.set(...HTML[0]);
  if (scripts.length > 0) headers.append("link", preloads(scripts));
  return headers;
}

function wrap<State>(layer: Layer<State>, ctx: Context<State>, inside: ComponentChildren): Content {
  return element(layer.component, ctx, () => inside as VNode);
}

/** The vnode of a component of ours; an async one is called instead. */
function element<State>(
  component: RouteComponent<unknown, State>,
  ctx: Context<State>,
  Component: FunctionComponent,
): Content {
  const props = {
    config: ctx.config,
    url: ctx.url,
    req: ctx.req,
    params: ctx.params,
    info: ctx.info,
    state: ctx.state,
    isPartial: ctx.isPartial,
    error: ctx.error,
    route: ctx.route,
    data: ctx.data,
    Component,
  };
  if (isAsyncFunction(component)) return component(props) as Content;
  // deno-lint-ignore no-explicit-any
  const vnode: VNode<any> = h(component as FunctionComponent<any>, null);
  vnode.props = props; // h() would copy them all
  return vnode;
}

function preloads(scripts: string[]): string {
  return scripts.map((script) => `<${encodeURI(script)}>; rel="modulepreload"; as="script"`)
    .join(", ");
}
