import { type ComponentChildren, h, type VNode } from "preact";
import type { SlotRef } from "../serialize.ts";
import { nodesIn, stretchFrom } from "./markers.ts";

/** Makes the element of an island from its number, its key and its nodes. */
export type FindIsland = (number: number, key: string | undefined, nodes: ChildNode[]) => VNode;

/** The element for what the server rendered into a slot. */
export function slotContent(
  slot: SlotRef,
  nodes: ChildNode[],
  find: FindIsland,
): ComponentChildren {
  const id = `${slot.island}:${slot.prop}`;
  const marker = findMarker(nodes, `frsh:s:${id}`);
  const stretch = marker && stretchFrom(marker);
  const template = document.getElementById(`frsh-s-${slot.island}-${slot.prop}`);
  const content = stretch
    ? nodesIn(stretch)
    : template instanceof HTMLTemplateElement
    ? [...template.content.childNodes]
    : [];
  // Read now: the nodes are about to become the island's own.
  const make = reader(content, find);
  return h(Slot, { make });
}

function Slot({ make }: { make: () => ComponentChildren }): ComponentChildren {
  return make();
}

function findMarker(nodes: ChildNode[], data: string): Comment | null {
  for (const node of nodes) {
    if (node instanceof Comment && node.data === data) return node;
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_COMMENT);
    while (walker.nextNode()) {
      const comment = walker.currentNode as Comment;
      if (comment.data === data) return comment;
    }
  }
  return null;
}

type Make = () => ComponentChildren;

/** Reads nodes, and returns what makes elements like them, each time anew. */
function reader(nodes: ChildNode[], find: FindIsland): Make {
  const makers: Make[] = [];
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at];
    if (node instanceof Text) {
      const { data } = node;
      makers.push(() => data);
    } else if (node instanceof Element) {
      makers.push(elementReader(node, find));
    } else if (node instanceof Comment && node.data.startsWith("frsh:i:")) {
      const stretch = stretchFrom(node);
      if (stretch === null) continue;
      const [number, key] = stretch.words;
      const island = find(Number(number), key && decodeURIComponent(key), nodesIn(stretch));
      makers.push(() => h(island.type as () => VNode, { ...island.props, key: island.key }));
      at = nodes.indexOf(stretch.end);
    }
  }
  return () => makers.map((make) => make());
}

function elementReader(element: Element, find: FindIsland): Make {
  const { localName } = element;
  const props: Record<string, unknown> = {};
  for (const { name, value } of element.attributes) {
    const property = (element as unknown as Record<string, unknown>)[name];
    props[DEFAULTS[`${localName} ${name}`] ?? name] = value === "" && typeof property === "boolean"
      ? true
      : value;
  }
  if (element instanceof HTMLOptionElement && element.selected) props.selected = true;
  else delete props.selected;
  const children = reader([...element.childNodes], find);
  return () => h(localName, props, children());
}

/** What a person may have changed before the island woke is only given a default. */
const DEFAULTS: Record<string, string> = {
  "input value": "defaultValue",
  "input checked": "defaultChecked",
};
