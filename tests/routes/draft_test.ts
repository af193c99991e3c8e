import assert from "node:assert/strict";
import { forgetDraft, keepDraft, type Shelf, unsentDraft } from "@/lib/draft.ts";

Deno.test("a draft is found again until it is forgotten", () => {
  const shelf = emptyShelf();
  assert.equal(unsentDraft(shelf, "intake"), null);

  keepDraft(shelf, "intake", { vehicle: "2009 Golf", complaint: "" });
  assert.deepEqual(unsentDraft(shelf, "intake"), { vehicle: "2009 Golf", complaint: "" });

  forgetDraft(shelf, "intake");
  assert.equal(unsentDraft(shelf, "intake"), null);
});

Deno.test("a draft with nothing in it is no draft", () => {
  const shelf = emptyShelf();
  keepDraft(shelf, "intake", { vehicle: "", complaint: "" });
  assert.equal(unsentDraft(shelf, "intake"), null);
});

Deno.test("what something else left under our name is no draft", () => {
  const shelf = emptyShelf();
  for (const text of ["{", "7", "[1]", '{"vehicle": 7}', "null"]) {
    shelf.setItem("intake", text);
    assert.equal(unsentDraft(shelf, "intake"), null, text);
  }
});

Deno.test("a storage that is full or forbidden is survived", () => {
  const refuse = () => {
    throw new DOMException("no", "QuotaExceededError");
  };
  const shelf: Shelf = { getItem: refuse, setItem: refuse, removeItem: refuse };
  keepDraft(shelf, "intake", { vehicle: "2009 Golf" });
  assert.equal(unsentDraft(shelf, "intake"), null);
  forgetDraft(shelf, "intake");
});

function emptyShelf(): Shelf {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}
