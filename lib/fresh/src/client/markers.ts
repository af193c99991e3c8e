/** A stretch of a document between two marker comments. */
export interface Stretch {
  start: Comment;
  end: Comment;
  /** What the opening marker says after its kind. */
  words: string[];
}

/** Finds the islands of a document that are not within another island. */
export function findIslands(root: Node): Stretch[] {
  const found: Stretch[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_COMMENT);
  let depth = 0;
  let start: Comment | null = null;
  while (walker.nextNode()) {
    const comment = walker.currentNode as Comment;
    if (comment.data.startsWith("frsh:i:")) {
      if (depth++ === 0) start = comment;
    } else if (comment.data === "/frsh:i" && --depth === 0) {
      found.push({ start: start!, end: comment, words: wordsOf(start!) });
    }
  }
  return found;
}

/** Finds the stretch that starts at a comment, among its siblings. */
export function stretchFrom(start: Comment): Stretch | null {
  const kind = start.data.slice(0, 6);
  let depth = 0;
  for (let node: Node | null = start; node !== null; node = node.nextSibling) {
    if (!(node instanceof Comment)) continue;
    if (node.data.startsWith(kind)) depth++;
    else if (node.data === `/${kind}` && --depth === 0) {
      return { start, end: node, words: wordsOf(start) };
    }
  }
  return null;
}

/** The nodes of a stretch, without its markers. */
export function nodesIn({ start, end }: Stretch): ChildNode[] {
  const nodes: ChildNode[] = [];
  for (
    let node = start.nextSibling;
    node !== null && node !== end;
    node = node.nextSibling
  ) {
    nodes.push(node);
  }
  return nodes;
}

function wordsOf(comment: Comment): string[] {
  return comment.data.split(":").slice(2);
}
