import { type ComponentChildren, Fragment, h, isValidElement, type VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { useAssetKeys } from "./asset.ts";
import type { Context, Inner } from "./context.ts";
import { reloadScript } from "./reload_script.ts";
import { Rendering, startRendering } from "./rendering.ts";
import { islandScript } from "./island_script.ts";

/** A rendered document and the scripts its islands need. */
export interface RenderedDocument {
  html: string;
  scripts: string[];
}

/**
 * Renders a whole document. The page is rendered before the app wrapper, so
 * that what the page puts into `<Head>` is known when the head is written.
 */
export function renderDocument<State>(
  ctx: Context<State>,
  inner: Inner<State>,
  content: ComponentChildren,
  frameAround: (inside: ComponentChildren) => ComponentChildren,
): RenderedDocument {
  const nonce = inner.wantsNonce ? inner.nonce ??= newNonce() : null;
  const end = (): string => endOfBody(ctx, rendering);
  const rendering: Rendering = new Rendering(inner.build, nonce, inner.path, end);
  const stop = startRendering(rendering);
  const previousKeys = useAssetKeys((path) => rendering.keyOf(path) ?? previousKeys(path));
  try {
    let html = renderToString(toVNode(content));
    const frame = frameAround(raw(html));
    if (frame !== null) {
      rendering.startFrame();
      html = renderToString(toVNode(frame));
    }
    return { html: complete(rendering, html, end), scripts: rendering.scripts };
  } finally {
    useAssetKeys(previousKeys);
    stop();
  }
}

function toVNode(content: ComponentChildren): VNode {
  return isValidElement(content) ? content : h(Fragment, null, content);
}

/** What every body ends with: the islands' script, and in development what reloads the page. */
function endOfBody<State>({ config }: Context<State>, rendering: Rendering): string {
  const { markup, scripts } = islandScript(rendering, config.basePath);
  rendering.scripts = scripts;
  return config.mode === "development"
    ? markup + scriptTag(reloadScript(config.basePath), rendering.nonce)
    : markup;
}

/** Adds what every document has and this one lacks. */
function complete(rendering: Rendering, rendered: string, endOfBody: () => string): string {
  const { seen } = rendering;
  const entries = rendering.unplacedHead();
  const head = entries.length === 0 ? "" : renderToString(h(Fragment, null, entries));

  if (!seen.html && !seen.head && !seen.body) {
    return `<!DOCTYPE html><html><head><meta charset="utf-8">${head}</head>` +
      `<body>${rendered}${endOfBody()}</body></html>`;
  }
  let html = seen.html ? rendered : `<html>${rendered}</html>`;
  if (!seen.head) {
    html = html.replace(
      HTML_START,
      (start) => `${start}<head><meta charset="utf-8">${head}</head>`,
    );
  } else if (head !== "") {
    html = html.replace("</head>", () => `${head}</head>`);
  }
  if (!seen.body) html = html.replace(/<\/html>$/, () => `${endOfBody()}</html>`);
  return `<!DOCTYPE html>${html}`;
}

const HTML_START = /^<html(?:\s[^>"]*(?:"[^"]*"[^>"]*)*)?>/;

/** Markup that is put in place as it is. */
export function raw(html: string): VNode {
  return h(Fragment, { tpl: [html] } as Record<string, unknown>);
}

/** An inline module script. */
export function scriptTag(code: string, nonce: string | null): string {
  return `<script type="module"${nonce === null ? "" : ` nonce="${nonce}"`}>${code}</script>`;
}

function newNonce(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
