import {
  type ComponentChildren,
  Fragment,
  h,
  isValidElement,
  options,
  toChildArray,
  type VNode,
} from "preact";
import { markActive } from "./active_links.ts";
import { keyElement } from "./asset.ts";
import { type Build, type IslandExport, keyIn } from "./build.ts";
import { collectHead } from "./head.ts";
import { isSignal, SlotRef } from "./serialize.ts";

/** An island as it was met while rendering. */
export interface IslandInstance {
  island: IslandExport;
  props: Record<string, unknown>;
}

/** A server-rendered part that an island was given and did not show. */
export interface PendingSlot {
  ref: SlotRef;
  children: ComponentChildren;
}

// deno-lint-ignore no-explicit-any
type AnyVNode = VNode<any>;

const HEAD_ELEMENTS = new Set([
  "title",
  "meta",
  "link",
  "script",
  "style",
  "base",
  "noscript",
  "template",
]);

const NOTHING: never[] = [];

/** What is found out while one document is rendered. Never outlives a synchronous render. */
export class Rendering {
  /** The islands, in the order they were met; a marker's number is an index into this. */
  islands: IslandInstance[] = [];
  /** Which parts of a document were rendered. */
  seen = { html: false, head: false, body: false };
  /** Keys of files used inside of islands, for the browser. */
  islandAssets: Record<string, string> | undefined;
  /** Slots that may turn up in the browser later. */
  slots: Map<SlotRef, PendingSlot> | undefined;

  /** The scripts that the end of the body asks for. */
  scripts: string[] = NOTHING;

  /** Elements for the head that are not in it yet, by key. */
  #head: Map<string, AnyVNode> | null = null;
  #inFrame = false;
  /** The islands and slots being rendered, innermost last. */
  #owners: { vnode: AnyVNode; kind: "island" | "slot" | "head" }[] = [];

  constructor(
    readonly build: Build | null,
    readonly nonce: string | null,
    readonly pathname: string,
    readonly endOfBody: () => string,
  ) {}

  /** From here on the app wrapper is rendered: the page's head is known. */
  startFrame(): void {
    this.#inFrame = true;
  }

  /** The key of a static file, noted down when an island uses it. */
  keyOf(path: string): string | undefined {
    const key = this.build === null ? undefined : keyIn(this.build, path);
    if (key !== undefined && this.isInIsland()) (this.islandAssets ??= {})[path] = key;
    return key;
  }

  isInIsland(): boolean {
    return this.#owners.some(({ kind }) => kind === "island");
  }

  /** Notes elements for the head; a later one replaces one with the same key. */
  addHead(children: ComponentChildren): void {
    this.#head ??= new Map();
    for (const child of toChildArray(children)) {
      if (!isValidElement(child)) continue;
      const key = headKey(child as AnyVNode) ?? `#${this.#head.size}`;
      this.#head.set(key, child as AnyVNode);
    }
  }

  /** Takes what was put into the head and is not in it yet. */
  unplacedHead(): AnyVNode[] {
    if (this.#head === null) return NOTHING;
    const entries = [...this.#head.values()];
    this.#head = null;
    return entries;
  }

  /** Called before each vnode is rendered; changes it where we have a say. */
  before(vnode: AnyVNode): void {
    const { type, props } = vnode;
    if (typeof type === "function") {
      const island = this.build?.components.get(type);
      if (island !== undefined && this.#mayBecomeIsland(vnode)) {
        this.#wrapIsland(vnode, island);
      } else if (type === InSlot) {
        this.#owners.push({ vnode, kind: "slot" });
      } else if (vnode === this.#wrapped) {
        this.#owners.push({ vnode, kind: "island" });
      }
      return;
    }
    switch (type) {
      case "html":
        this.seen.html = true;
        break;
      case "head":
        this.seen.head = true;
        this.#owners.push({ vnode, kind: "head" });
        if (this.#inFrame && this.#head !== null) {
          this.#change(vnode, { children: [props.children, h(EndOfHead, { rendering: this })] });
        }
        break;
      case "body":
        this.seen.body = true;
        this.#change(vnode, { children: [props.children, h(EndOfBody, { rendering: this })] });
        break;
      case "img":
      case "source":
        if (props.src || props.srcset || props.srcSet) {
          this.#change(vnode, {});
          keyElement(vnode.props);
        }
        break;
      case "a":
        if (typeof props.href === "string" && props.href.startsWith("/")) {
          this.#change(vnode, {});
          markActive(vnode.props, this.pathname);
        }
        break;
      case "script":
      case "style":
        this.#addNonce(vnode);
    }
    if (this.#inFrame && this.#head !== null && HEAD_ELEMENTS.has(type as string)) {
      this.#replaceInHead(vnode, this.#head);
    }
  }

  /** Called after each vnode was rendered. */
  after(vnode: AnyVNode): void {
    if (this.#owners.at(-1)?.vnode === vnode) this.#owners.pop();
    while (this.#changed.at(-1)?.vnode === vnode) this.#undo();
  }

  /** Undoes what was changed in vnodes, where an error kept `after` from doing it. */
  finish(): void {
    while (this.#changed.length > 0) this.#undo();
  }

  /** A vnode may be a constant of its module: it is changed only while it is rendered. */
  #changed: { vnode: AnyVNode; type: AnyVNode["type"]; props: AnyVNode["props"] }[] = [];

  #change(vnode: AnyVNode, props: Record<string, unknown>, type = vnode.type): void {
    this.#changed.push({ vnode, type: vnode.type, props: vnode.props });
    vnode.type = type;
    vnode.props = { ...vnode.props, ...props };
  }

  #undo(): void {
    const { vnode, type, props } = this.#changed.pop()!;
    vnode.type = type;
    vnode.props = props;
  }

  #addNonce(vnode: AnyVNode): void {
    if (this.nonce === null || vnode.props.nonce || vnode.props.src) return;
    this.#change(vnode, { nonce: this.nonce });
  }

  /** The island whose markers were made last: it is rendered next, between them. */
  #wrapped: AnyVNode | null = null;

  /** Inside another island it is an ordinary component, unless it came through a slot. */
  #mayBecomeIsland(vnode: AnyVNode): boolean {
    return vnode !== this.#wrapped && this.#owners.at(-1)?.kind !== "island";
  }

  #wrapIsland(vnode: AnyVNode, island: IslandExport): void {
    const number = this.islands.length;
    const shown: Record<string, unknown> = {};
    const sent: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(vnode.props as Record<string, unknown>)) {
      if (isSlot(name, value)) {
        const ref = new SlotRef(number, name);
        const children = value as ComponentChildren;
        (this.slots ??= new Map()).set(ref, { ref, children });
        shown[name] = h(Slot, { rendering: this, slot: ref, children });
        sent[name] = ref;
      } else {
        shown[name] = value;
        sent[name] = value;
      }
    }
    this.islands.push({ island, props: sent });
    const inner = h(vnode.type as () => VNode, shown);
    this.#wrapped = inner;
    const key = vnode.key == null ? "" : `:${encodeURIComponent(String(vnode.key))}`;
    this.#change(vnode, {}, Fragment);
    vnode.props = {
      children: [comment(`frsh:i:${number}${key}`), inner, comment("/frsh:i")],
    };
  }

  /** The page's element stands in for the app wrapper's with the same key. */
  #replaceInHead(vnode: AnyVNode, head: Map<string, AnyVNode>): void {
    if (this.#owners.at(-1)?.kind !== "head") return;
    const key = headKey(vnode);
    const replacement = key === null ? undefined : head.get(key);
    if (replacement === undefined) return;
    head.delete(key!);
    this.#change(vnode, {}, replacement.type);
    vnode.props = replacement.props;
    if (vnode.type === "script" || vnode.type === "style") this.#addNonce(vnode);
  }
}

/** What the page put into the head and the app wrapper has no place for. */
function EndOfHead({ rendering }: { rendering: Rendering }): VNode {
  return h(Fragment, null, rendering.unplacedHead());
}

/** By now everything else of the document is rendered. */
function EndOfBody({ rendering }: { rendering: Rendering }): VNode {
  return h(Fragment, { tpl: [rendering.endOfBody()] } as Record<string, unknown>);
}

/** A server-rendered part inside an island. Its markers let the browser find it again. */
function Slot(
  { rendering, slot, children }: {
    rendering: Rendering;
    slot: SlotRef;
    children: ComponentChildren;
  },
): VNode {
  rendering.slots!.delete(slot);
  return h(
    Fragment,
    null,
    comment(`frsh:s:${slot.island}:${slot.prop}`),
    h(InSlot, null, children),
    comment("/frsh:s"),
  );
}

/** Around what a slot holds, so that islands in there are islands again. */
export function InSlot({ children }: { children?: ComponentChildren }): VNode {
  return h(Fragment, null, children);
}

function isSlot(prop: string, value: unknown): boolean {
  if (isSignal(value)) return false; // it passes for a vnode, so that it can be a child
  if (isValidElement(value)) return true;
  if (prop !== "children" || value == null || typeof value === "function") return false;
  return typeof value !== "object" || Array.isArray(value);
}

function headKey(vnode: AnyVNode): string | null {
  if (vnode.key != null) return `key:${vnode.key}`;
  if (vnode.type === "title") return "title";
  if (vnode.type !== "meta" && vnode.type !== "link") {
    return typeof vnode.type === "string" ? `${vnode.type}${attributes(vnode, "children")}` : null;
  }
  return `${vnode.type}${attributes(vnode, vnode.type === "meta" ? "content" : "href")}`;
}

function attributes(vnode: AnyVNode, without: string): string {
  return JSON.stringify(
    Object.entries(vnode.props).filter(([name]) => name !== without && name !== "nonce").sort(),
  );
}

function comment(text: string): VNode {
  return h(Fragment, { UNSTABLE_comment: text } as Record<string, unknown>);
}

let current: Rendering | null = null;

/** Makes a rendering the one that hooks report to, until the returned function is called. */
export function startRendering(rendering: Rendering): () => void {
  const previous = current;
  current = rendering;
  collectHead((children) => rendering.addHead(children));
  return () => {
    rendering.finish();
    current = previous;
    collectHead(previous === null ? null : (children) => previous.addHead(children));
  };
}

// Preact's hooks are global. They are installed once, and do nothing while no
// document of ours is being rendered.
const hooks = options as unknown as Record<
  "__b" | "diffed",
  ((vnode: AnyVNode) => void) | undefined
>;
const { __b: earlierBefore, diffed: earlierAfter } = hooks;
hooks.__b = (vnode) => {
  current?.before(vnode);
  earlierBefore?.(vnode);
};
hooks.diffed = (vnode) => {
  current?.after(vnode);
  earlierAfter?.(vnode);
};
