import { type ComponentChildren, Fragment, h, type VNode } from "preact";
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
  const rendering = new Rendering(
    inner.build,
    inner.wantsNonce ? inner.nonce ?? newNonce() : null,
    ctx.url.pathname,
  );
  if (inner.wantsNonce) inner.nonce = rendering.nonce;

  const stop = startRendering(rendering);
  const previousKeys = useAssetKeys((path) => rendering.keyOf(path) ?? previousKeys(path));
  try {
    let html = renderToString(h(Fragment, null, content));
    const frame = frameAround(raw(html));
    if (frame !== null) {
      rendering.startFrame();
      html = renderToString(h(Fragment, null, frame));
    }
    return complete(ctx, rendering, html);
  } finally {
    useAssetKeys(previousKeys);
    stop();
  }
}

/** Adds what every document has and this one lacks, and the end of its head and body. */
function complete<State>(
  ctx: Context<State>,
  rendering: Rendering,
  rendered: string,
): RenderedDocument {
  const { seen } = rendering;
  const { markup, scripts } = islandScript(rendering, ctx.config.basePath);
  const tail = ctx.config.mode === "development"
    ? markup + scriptTag(reloadScript(ctx.config.basePath), rendering.nonce)
    : markup;

  const headEntries = rendering.unplacedHead();
  const head = headEntries.length === 0
    ? ""
    : renderToString(h(Fragment, null, ...headEntries as VNode[]));

  let html = rendered;
  if (!seen.html && !seen.head && !seen.body) {
    html = `<html><head><meta charset="utf-8">${head}</head><body>${html}${tail}</body></html>`;
  } else {
    if (!seen.html) html = `<html>${html}</html>`;
    if (seen.head) html = replaceLast(html, HEAD_END, head);
    else {html = html.replace(HTML_START, (start) =>
        `${start}<head><meta charset="utf-8">${head}</head>`);}
    if (seen.body) html = replaceLast(html, BODY_END, tail);
    else if (tail !== "") html = replaceLast(html, "</html>", `${tail}</html>`);
  }
  return { html: `<!DOCTYPE html>${html}`, scripts };
}

/** Where the head and the body of a document end; both are comments no page can write. */
export const HEAD_END = "<!--frsh:head-->";
/** See {@linkcode HEAD_END}. */
export const BODY_END = "<!--frsh:body-->";

const HTML_START = /^<html(?:\s[^>"]*(?:"[^"]*"[^>"]*)*)?>/;

function replaceLast(text: string, what: string, by: string): string {
  const at = text.lastIndexOf(what);
  return at < 0 ? text : text.slice(0, at) + by + text.slice(at + what.length);
}

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
