import assert from "node:assert/strict";
import { startApp } from "@/tests/support/app.ts";
import { type Actor, clientId, sceneIn } from "./scene.ts";

// Started while modules load: one app for all tests here, a session for each.
const { db, origin } = await startApp();

async function stage() {
  const s = await sceneIn(db);
  const ask = (who: Partial<Actor>, path: string, init: RequestInit = {}) =>
    fetch(`${origin}${path}`, {
      redirect: "manual",
      ...init,
      headers: { ...(who.token ? { cookie: `login=${who.token}` } : {}), ...init.headers },
    });
  const messages = `/api/sessions/${s.sessionId}/messages`;
  return {
    s,
    ask,
    messages,
    chat: `/chat/${s.sessionId}`,
    postJson: (who: Partial<Actor>, body: unknown, path = messages) =>
      ask(who, path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    postForm: (who: Partial<Actor>, fields: Record<string, string>, headers = {}) =>
      ask(who, messages, { method: "POST", body: new URLSearchParams(fields), headers }),
    async [Symbol.asyncDispose]() {
      await s[Symbol.asyncDispose]();
    },
  };
}

Deno.test("GET messages answers what changed after a version", async () => {
  await using it = await stage();
  await it.s.insertMessage(it.s.sessionId, it.s.olive, "line", 3);
  const all = await (await it.ask(it.s.olive, it.messages)).json();
  assert.equal(all.from, 0);
  assert.deepEqual(all.messages.map((m: { body: string }) => m.body), [
    "line 1",
    "line 2",
    "line 3",
  ]);
  const rest = await (await it.ask(it.s.olive, `${it.messages}?after=${all.to - 1}`)).json();
  assert.deepEqual(rest.messages.map((m: { body: string }) => m.body), ["line 3"]);
});

Deno.test("GET and POST messages are for participants only", async () => {
  await using it = await stage();
  const refused = async (response: Response) => {
    const { error } = await response.json();
    return [response.status, error.code];
  };
  const hello = { clientId: clientId(), body: "Hello" };
  for (const [who, expected] of [[{}, [401, "LOGIN"]], [it.s.nadia, [404, "NTFND"]]] as const) {
    assert.deepEqual(await refused(await it.ask(who, it.messages)), expected);
    assert.deepEqual(await refused(await it.postJson(who, hello)), expected);
  }
  assert.equal((await it.postJson(it.s.olive, hello)).status, 201);
});

Deno.test("POST messages by JSON answers 201 with the message, and the same when repeated", async () => {
  await using it = await stage();
  const hello = { clientId: clientId(), body: "Hello" };
  const first = await it.postJson(it.s.olive, hello);
  assert.equal(first.status, 201);
  const message = await first.json();
  assert.deepEqual([message.body, message.senderId], ["Hello", it.s.olive.id]);
  assert.deepEqual(await (await it.postJson(it.s.olive, hello)).json(), message);
  const { rows } = await it.s.admin.query("select from app.chat_messages where session_id = $1", [
    it.s.sessionId,
  ]);
  assert.equal(rows.length, 1);
});

Deno.test("POST messages refuses what is no message, and what is too long", async () => {
  await using it = await stage();
  const code = async (response: Response) => {
    const { error } = await response.json();
    return [response.status, error.code];
  };
  const post = (body: unknown) => it.postJson(it.s.olive, body);
  assert.deepEqual(await code(await post({ clientId: "7", body: "x" })), [400, "BADIN"]);
  assert.deepEqual(await code(await post("nonsense")), [400, "BADIN"]);
  assert.deepEqual(await code(await post({ clientId: clientId(), body: 7 })), [400, "BADIN"]);
  assert.deepEqual(await code(await post({ clientId: clientId(), body: "  " })), [400, "BADIN"]);
  const long = { clientId: clientId(), body: "x".repeat(4001) };
  assert.deepEqual(await code(await post(long)), [413, "TOOLG"]);
  const huge = { clientId: clientId(), body: "x".repeat(2_000_000) };
  assert.deepEqual(await code(await post(huge)), [413, "TOOLG"]);
});

Deno.test("the form without JavaScript sends, and the page shows it", async () => {
  await using it = await stage();
  const page = await (await it.ask(it.s.olive, it.chat)).text();
  const id = page.match(/name="clientId"[^>]*value="([^"]+)"/)?.[1] ??
    page.match(/value="([^"]+)"[^>]*name="clientId"/)?.[1];
  assert.ok(id, "the form has no client id");
  const sent = await it.postForm(it.s.olive, { clientId: id, body: "Two\r\nlines <b>" });
  await sent.body?.cancel();
  assert.deepEqual([sent.status, sent.headers.get("location")], [303, it.chat]);
  const again = await (await it.ask(it.s.olive, it.chat)).text();
  assert.match(again, /Two\nlines &lt;b>/);
});

Deno.test("a form that is refused comes back with its text and the reason", async () => {
  await using it = await stage();
  const text = `It shakes. ${"x".repeat(4000)}`;
  const answer = await it.postForm(it.s.olive, { clientId: clientId(), body: text });
  assert.equal(answer.status, 413);
  const page = await answer.text();
  assert.match(page, /<textarea[^>]*>It shakes\. x{4000}/);
  assert.match(page, /too long/i);
  assert.match(answer.headers.get("content-type") ?? "", /html/);
});

Deno.test("a form of another site is refused", async () => {
  await using it = await stage();
  const fields = { clientId: clientId(), body: "forged" };
  const forged = await it.postForm(it.s.olive, fields, {
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
  });
  await forged.body?.cancel();
  assert.equal(forged.status, 403);
  const own = await it.postForm(it.s.olive, fields, { "sec-fetch-site": "same-origin" });
  await own.body?.cancel();
  assert.equal(own.status, 303);
});

Deno.test("the chat page is for participants; others find nothing, visitors the way to sign in", async () => {
  await using it = await stage();
  const answer = async (who: Partial<Actor>, path = it.chat) => {
    const response = await it.ask(who, path);
    await response.body?.cancel();
    return [response.status, response.headers.get("location")];
  };
  assert.deepEqual(await answer(it.s.olive), [200, null]);
  assert.deepEqual(await answer(it.s.nadia), [404, null]);
  assert.deepEqual(await answer({}), [303, `/start?redirect=${encodeURIComponent(it.chat)}`]);
  assert.deepEqual(await answer(it.s.olive, `/chat/${crypto.randomUUID()}`), [404, null]);
  assert.deepEqual(await answer(it.s.olive, "/chat/nonsense"), [404, null]);
});

Deno.test("the chat page is served with who is there and what was said", async () => {
  await using it = await stage();
  await it.s.insertMessage(it.s.sessionId, it.s.olive, "It shakes at 50");
  const waiting = await (await it.ask(it.s.olive, it.chat)).text();
  assert.match(waiting, /role="status"[^>]*>Waiting for a mechanic to join</);
  assert.match(waiting, /It shakes at 50/);
  assert.match(waiting, /role="log"/);

  await it.s.seat(it.s.sessionId, it.s.marco, "mechanic");
  const joined = await (await it.ask(it.s.olive, it.chat)).text();
  assert.match(joined, /role="status"[^>]*>1 mechanic connected</);
});
