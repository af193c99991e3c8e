import assert from "node:assert/strict";
import { formFields } from "@/lib/forms.ts";

Deno.test("formFields() reads what was asked for, and '' for what was not sent", async () => {
  const fields = await formFields(form("a=1&b=two+words&c=3"), "a", "b", "missing");
  assert.deepEqual(fields, { a: "1", b: "two words", missing: "" });
});

Deno.test("formFields() reads multipart forms, and no files", async () => {
  const body = new FormData();
  body.set("a", "1");
  body.set("b", new File(["x"], "x.txt"));
  const req = new Request("http://x/", { method: "POST", body });
  assert.deepEqual(await formFields(req, "a", "b"), { a: "1", b: "" });
});

Deno.test("formFields() counts line ends as the browser did, and drops zero characters", async () => {
  const fields = await formFields(form("a=one%0D%0Atwo%00"), "a");
  assert.equal(fields.a, "one\ntwo");
});

Deno.test("formFields() refuses what is no form", async () => {
  const req = new Request("http://x/", { method: "POST", body: "{}", headers: JSON_TYPE });
  await assert.rejects(formFields(req, "a"), { code: "BADIN" });
});

Deno.test("formFields() stops reading a huge form, also one that does not say how long it is", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(stream) {
      stream.enqueue(new Uint8Array(50_000).fill(97));
      sent++;
    },
  });
  const req = new Request("http://x/", { method: "POST", body, headers: FORM_TYPE });
  await assert.rejects(formFields(req, "a"), { code: "TOOLG" });
  assert.ok(sent < 10, `read ${sent} chunks`);
});

const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const JSON_TYPE = { "content-type": "application/json" };

function form(body: string): Request {
  return new Request("http://x/", { method: "POST", body, headers: FORM_TYPE });
}
