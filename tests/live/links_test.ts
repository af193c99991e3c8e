import assert from "node:assert/strict";
import { pieces } from "@/lib/live/links.ts";

Deno.test("pieces() makes links of http and https only", () => {
  assert.deepEqual(pieces("see https://example.com/a?b=c#d now"), [
    "see ",
    { href: "https://example.com/a?b=c#d", text: "https://example.com/a?b=c#d" },
    " now",
  ]);
  for (
    const text of [
      "javascript:alert(1)",
      "data:text/html,x",
      "ftp://a.example",
      "xhttps://a.example",
      "https://",
    ]
  ) {
    assert.deepEqual(pieces(text), [text]);
  }
});

Deno.test("pieces() leaves the sentence's own stops and brackets out of a link", () => {
  const linked = (text: string) =>
    pieces(text).flatMap((piece) => typeof piece === "string" ? [] : [piece.text]);
  assert.deepEqual(linked("(https://a.example/x)."), ["https://a.example/x"]);
  assert.deepEqual(linked("https://a.example/x_(y), and"), ["https://a.example/x_(y)"]);
  assert.deepEqual(linked("http://a.example! http://b.example?"), [
    "http://a.example",
    "http://b.example",
  ]);
});

Deno.test("pieces() does not link where the name misleads", () => {
  assert.deepEqual(pieces("https://bank.example@evil.example"), [
    "https://bank.example@evil.example",
  ]);
});

Deno.test("pieces() loses no character", () => {
  for (const text of ["", "<b>no</b>", "a https://a.example b https://b.example.", "مرحبا 🚗\n"]) {
    assert.equal(pieces(text).map((p) => typeof p === "string" ? p : p.text).join(""), text);
  }
});
