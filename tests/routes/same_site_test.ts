import assert from "node:assert/strict";
import { sameSitePath } from "@/lib/same_site.ts";

Deno.test("sameSitePath() keeps the pages of this site, with query and fragment", () => {
  for (
    const path of [
      "/",
      "/account",
      "/chat/10000000-0000-4000-8000-000000000001",
      "/start?plan=chat10&cancelled=1",
      "/thank-you?session=1#next",
      "/start?redirect=https://evil.test/", // judged again when its turn comes
      "/a%2F%2Fevil.test",
      "/@evil.test",
    ]
  ) {
    assert.equal(sameSitePath(path, "/otherwise"), path);
  }
});

Deno.test("sameSitePath() refuses what a browser would take elsewhere", () => {
  for (
    const target of [
      null,
      undefined,
      42,
      "",
      "account",
      "?plan=chat10",
      "//evil.test",
      "///evil.test",
      "/\\evil.test",
      "\\\\evil.test",
      "/\\/evil.test",
      "/a\\b",
      "https://evil.test/",
      "HTTPS:/evil.test",
      "http:evil.test",
      "javascript:alert(1)",
      "data:text/html,hello",
      " //evil.test",
      " /account",
      "\t//evil.test",
      "/\t/evil.test",
      "/\n/evil.test",
      "/\r/evil.test",
      "/\r\nSet-Cookie: login=stolen",
      "/\0/evil.test",
      "/\u0085/evil.test",
      "/\u2028/evil.test",
      "\ufeff//evil.test",
      "/..//evil.test",
      "/./\\evil.test",
      "/a/..//evil.test",
      "/.//evil.test",
      "/%2e%2e//evil.test",
      `/${"a".repeat(600)}`,
    ]
  ) {
    assert.equal(sameSitePath(target, "/otherwise"), "/otherwise", JSON.stringify(target));
  }
});

Deno.test("sameSitePath() answers with the parser's spelling, in ASCII", () => {
  assert.equal(sameSitePath("/caf\u00e9"), "/caf%C3%A9");
  assert.equal(sameSitePath("/a/../account"), "/account");
});
