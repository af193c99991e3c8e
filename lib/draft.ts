// The intake as the browser keeps it while it is being typed. What was sent is the
// server's to remember; the rest must survive a closed tab.

/** What the fields hold, by name. */
export type Draft = Record<string, string>;

/** The part of `localStorage` that is needed. */
export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** A storage of the browser's, or null where it is forbidden: merely naming it throws then. */
export function openShelf(name: "localStorage" | "sessionStorage"): Shelf | null {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

/** What was typed and never sent; null when there is nothing of that kind. */
export function unsentDraft(shelf: Shelf, name: string): Draft | null {
  const kept = whatIsKept(shelf, name);
  return kept !== null && Object.values(kept).some((value) => value !== "") ? kept : null;
}

/** Keeps what is typed. A full or forbidden storage loses the draft and nothing else. */
export function keepDraft(shelf: Shelf, name: string, draft: Draft): void {
  try {
    shelf.setItem(name, JSON.stringify(draft));
  } catch {
    // Private windows of some browsers have no room at all.
  }
}

/** Forgets the draft, which the server has now. */
export function forgetDraft(shelf: Shelf, name: string): void {
  try {
    shelf.removeItem(name);
  } catch {
    // Nothing was kept either.
  }
}

function whatIsKept(shelf: Shelf, name: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(shelf.getItem(name) ?? "null");
    const isDraft = typeof kept === "object" && kept !== null &&
      Object.values(kept).every((value) => typeof value === "string");
    return isDraft ? kept as Draft : null;
  } catch {
    return null;
  }
}
