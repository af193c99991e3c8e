import { type ComponentType, h, options, render, type VNode } from "preact";
import { markActive } from "../active_links.ts";
import { keyElement, useAssetKeys } from "../asset.ts";
import { SlotRef } from "../serialize.ts";
import { deserialize } from "./deserialize.ts";
import { findIslands, type Stretch } from "./markers.ts";
import { type FindIsland, slotContent } from "./slots.ts";

// deno-lint-ignore no-explicit-any
type AnyComponent = ComponentType<any>;

/** Wakes the islands of the page, one per task so that the page stays responsive. */
export function boot(
  components: AnyComponent[],
  data: Parameters<typeof deserialize>[0],
  { assets, key }: { assets: Record<string, string>; key: string },
): void {
  useAssetKeys((path) => assets[path] ?? key);
  const instances = deserialize(data) as [number, Record<string, unknown>][];

  const find: FindIsland = (number, key, nodes) => {
    const [component, sent] = instances[number];
    const props: Record<string, unknown> = { key };
    for (const name in sent) {
      const value = sent[name];
      props[name] = value instanceof SlotRef ? slotContent(value, nodes, find) : value;
    }
    return h(components[component], props);
  };

  for (const stretch of findIslands(document.body)) {
    if (stretch.start.parentNode !== stretch.end.parentNode) {
      console.error(
        "An island stands where HTML does not allow its elements (a <div> in a <p>, say), " +
          "so the browser moved them. It stays as it is.",
        stretch.start.parentNode,
      );
      continue;
    }
    soon(() => wake(stretch, find));
  }
}

function wake(stretch: Stretch, find: FindIsland): void {
  const root = rootBetween(stretch);
  const [number, key] = stretch.words;
  const element = find(Number(number), key && decodeURIComponent(key), root.childNodes);
  // Not hydrate(), which trusts the server's markup: this may differ from it.
  render(element, root as unknown as Element);
}

/** Something that preact takes for an element, and that holds just the island. */
function rootBetween({ start, end }: Stretch) {
  const parent = start.parentNode!;
  return {
    nodeType: 1,
    parentNode: parent,
    ownerDocument: document,
    namespaceURI: (parent as Element).namespaceURI,
    get firstChild() {
      return start.nextSibling === end ? null : start.nextSibling;
    },
    get childNodes() {
      const nodes: ChildNode[] = [];
      for (
        let node = start.nextSibling;
        node && node !== end;
        node = node.nextSibling
      ) {
        nodes.push(node);
      }
      return nodes;
    },
    contains: (node: Node) => parent.contains(node),
    appendChild: (node: Node) => parent.insertBefore(node, end),
    insertBefore(node: Node, before: Node | null) {
      // Preact looks for the next sibling past comments, also past our end.
      const isOutside = before === null || before.parentNode !== parent ||
        (end.compareDocumentPosition(before) &
            Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
      return parent.insertBefore(node, isOutside ? end : before);
    },
    removeChild: (node: Node) => parent.removeChild(node),
  };
}

function soon(task: () => void): void {
  const { scheduler } = globalThis as {
    scheduler?: { postTask?(task: () => void): unknown };
  };
  if (scheduler?.postTask) scheduler.postTask(task);
  else setTimeout(task, 0);
}

// The server did the same. Without it files would be fetched again, and links lose their marks.
const { vnode: earlier } = options;
options.vnode = (vnode: VNode) => {
  if (vnode.type === "img" || vnode.type === "source") {
    keyElement(vnode.props as Record<string, unknown>);
  }
  if (vnode.type === "a") markActive(vnode.props as Record<string, unknown>, location.pathname);
  earlier?.(vnode);
};
