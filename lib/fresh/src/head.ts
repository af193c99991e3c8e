import type { ComponentChildren, VNode } from "preact";
import { IS_BROWSER } from "./platform.ts";

/** Props of {@linkcode Head}. */
export interface HeadProps {
  /** Elements for the document's head. */
  children?: ComponentChildren;
}

let collect: ((children: ComponentChildren) => void) | null = null;

/** Says where the children of {@linkcode Head} go while a document is rendered. */
export function collectHead(into: typeof collect): void {
  collect = into;
}

/**
 * Puts elements into the document's `<head>` from anywhere in a page. A title,
 * or an element with the same key, replaces the one that was there. On the
 * server only: in an island it renders nothing in the browser.
 */
export function Head(props: HeadProps): VNode | null {
  if (!IS_BROWSER) collect?.(props.children);
  return null;
}
