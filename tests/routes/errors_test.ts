import assert from "node:assert/strict";
import { environment } from "@/lib/environment.ts";
import { startApp } from "@/tests/support/app.ts";
import { SESSIONS } from "@/tests/support/cast.ts";
import { ledTo, textOf } from "./reading.ts";

Deno.test("pages when something is refused", async (t) => {
  await using app = await startApp();

  await t.step("an unknown address is a friendly 404 in our own page", async () => {
    const res = await app.visitor().get("/nowhere");
    assert.equal(res.status, 404);
    assert.match(res.headers.get("content-type")!, /text\/html/);
    const text = await textOf(res);
    assert.match(text, /Wrenchline.*We could not find that.*To the start page/);
  });

  await t.step("below /api/ it is JSON", async () => {
    const res = await app.visitor().get("/api/nowhere");
    assert.equal(res.status, 404);
    const { error } = await res.json();
    assert.equal(error.code, "NTFND");
    assert.match(error.requestId, /^[0-9a-f-]{36}$/);
  });

  await t.step("who must sign in is led to it, and back afterwards", async () => {
    const path = `/chat/${SESSIONS.olives}`;
    const there = await ledTo(await app.visitor().get(path));
    assert.equal(there, `/start?redirect=${encodeURIComponent(path)}`);
    assert.equal((await app.visitor().get(there)).status, 200);
    assert.equal((await app.as("oscar").get(path)).status, 404);
  });

  await t.step(
    "refusals carry the headers every page carries, and are kept by nobody",
    async () => {
      for (const path of ["/", "/nowhere", "/start", "/start?plan=gold", "/login/code"]) {
        const res = await app.visitor().get(path);
        await res.body?.cancel();
        const policy = res.headers.get("content-security-policy") ?? "";
        assert.match(policy, /script-src [^;]*'nonce-/, path);
        assert.doesNotMatch(policy, /script-src [^;]*'unsafe-inline'/, path);
        assert.match(policy, /frame-ancestors 'none'/, path);
        assert.equal(res.headers.get("x-content-type-options"), "nosniff", path);
        assert.match(res.headers.get("cache-control")!, /no-store/, path);
      }
    },
  );

  await t.step("a form sent by another site is refused", async () => {
    const headers = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
    const olive = app.as("olive");
    assert.equal((await olive.post("/logout", {}, { headers })).status, 403);
    assert.equal((await olive.get("/account")).status, 200);
  });

  await t.step("a page takes no form that is not its own", async () => {
    for (const path of ["/", "/account", "/thank-you", "/login", "/dev/mail", "/healthz"]) {
      const res = await app.as("olive").post(path);
      await res.body?.cancel();
      assert.equal(res.status, 405, path);
    }
  });

  await t.step("what is no form is refused as such", async () => {
    const res = await app.visitor().post("/login/code", {}, { body: "x", headers: PLAIN });
    assert.equal(res.status, 400);
  });

  await t.step("/healthz is 200 while everything works, and names what does not", async () => {
    const res = await app.visitor().get("/healthz");
    assert.equal(res.status, 200);
    assert.deepEqual(await res.json(), {
      ok: true,
      parts: { web: "ok", relay: "ok", backstage: "ok", listening: "ok" },
      failing: [],
    });

    const { relayDatabaseUrl } = environment();
    environment().relayDatabaseUrl = "postgres://nobody:wrong@127.0.0.1:1/none";
    const ill = await app.visitor().get("/healthz");
    environment().relayDatabaseUrl = relayDatabaseUrl;
    assert.equal(ill.status, 503);
    assert.deepEqual((await ill.json()).failing, ["relay"]);
  });

  await t.step("/dev/mail is not there outside a demo", async () => {
    assert.equal((await app.visitor().get("/dev/mail")).status, 200);
    environment().isDemo = false;
    assert.equal((await app.visitor().get("/dev/mail")).status, 404);
    environment().isDemo = true;
  });
});

Deno.test("over https the cookie is one that no other site or path can set", async () => {
  const { clearedCookie, loginFrom } = await import("@/lib/logins.ts");
  const before = environment().publicUrl;
  environment().publicUrl = new URL("https://wrenchline.test/");
  try {
    assert.match(clearedCookie(), /^__Host-login=; Path=\/; .*Secure$/);
    const token = "A".repeat(43);
    const asks = (cookie: string) => loginFrom(new Request("https://x/", { headers: { cookie } }));
    assert.equal((await asks(`__Host-login=${token}`)).proof?.length, 64);
    assert.equal((await asks(`login=${token}`)).proof, null);
  } finally {
    environment().publicUrl = before;
  }
});

const PLAIN = { "content-type": "text/plain" };
