import assert from "node:assert/strict";
import { drain } from "@/lib/live/relay.ts";
import { startApp } from "@/tests/support/app.ts";
import { type Actor, clientId, type Scene, sceneIn, Wire } from "./scene.ts";

// Started while modules load: one app for all tests here, a session for each.
const { db, origin } = await startApp();

/** Olive waiting in a chat, and ways to knock at its socket. */
async function stage() {
  const s = await sceneIn(db);
  return {
    s,
    wire: (who: Partial<Actor>, options: { after?: number } = {}) =>
      new Wire(origin, s.sessionId, { token: who.token, ...options }),
    /** What the socket's URL answers to a handshake. */
    knock: (who: Partial<Actor>, sessionId = s.sessionId, headers = {}, after: unknown = 0) =>
      handshake(sessionId, who, headers, after),
    async [Symbol.asyncDispose]() {
      await drain();
      await s[Symbol.asyncDispose]();
    },
  };
}

/** A handshake by hand: `fetch` may not send these headers, and `WebSocket` hides the answer. */
async function handshake(
  sessionId: string,
  who: Partial<Actor>,
  headers: Record<string, string>,
  after: unknown,
) {
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(request(sessionId, who, headers, after));
  const buffer = new Uint8Array(10_000);
  const length = await connection.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, length));
  return {
    status: Number(answer.split(" ")[1]),
    code: answer.match(/"code":"(\w+)"/)?.[1],
  };
}

function request(
  sessionId: string,
  who: Partial<Actor>,
  headers: Record<string, string>,
  after: unknown,
) {
  const { host } = new URL(origin);
  const lines = Object.entries({
    host,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    origin,
    ...(who.token ? { cookie: `login=${who.token}` } : {}),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const path = `/api/sessions/${sessionId}/socket?after=${after}`;
  return new TextEncoder().encode(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

const stored = async (s: Scene, sessionId = s.sessionId) =>
  (await s.admin.query<{ body: string }>(
    "select body from app.chat_messages where session_id = $1 order by version",
    [sessionId],
  )).rows.map((row) => row.body);

Deno.test("the socket stays open for participants; others are told why by its close code", async () => {
  await using it = await stage();
  const { s } = it;
  await using olive = it.wire(s.olive);
  await olive.until("ready");

  const dana = await s.actor("Dana", "dispatcher");
  const closedWith = async (who: Partial<Actor>, sessionId = s.sessionId) => {
    await using wire = new Wire(origin, sessionId, { token: who.token });
    const first = await wire.next();
    assert.equal(first.kind, "closed", "nothing is said first");
    return (first as { code: number }).code;
  };
  assert.equal(await closedWith({}), 4401);
  assert.equal(await closedWith({ token: "made-up" }), 4401);
  assert.equal(await closedWith(s.nadia), 4404);
  assert.equal(await closedWith(dana), 4404, "running the shop is no seat");
  assert.equal(await closedWith(s.olive, crypto.randomUUID()), 4404);
  assert.equal(await closedWith(s.olive, "nonsense"), 4404);
  assert.deepEqual(await it.knock(s.olive, s.sessionId, {}, "x"), { status: 400, code: "BADIN" });

  await s.seat(s.sessionId, dana, "observer");
  await using observer = it.wire(dana);
  await observer.until("ready");
});

Deno.test("the socket's address asked for without a whole handshake answers by HTTP", async () => {
  await using it = await stage();
  const { s, knock } = it;
  const half = [{ upgrade: "" }, { connection: "keep-alive" }, { "sec-websocket-key": "" }];
  for (const headers of half) {
    const ask = (who: Partial<Actor>) => knock(who, s.sessionId, headers);
    assert.deepEqual(await ask({}), { status: 401, code: "LOGIN" });
    assert.deepEqual(await ask(s.nadia), { status: 404, code: "NTFND" });
    assert.deepEqual(await ask(s.olive), { status: 400, code: "BADIN" });
  }
  assert.equal((await knock(s.olive)).status, 101);
});

Deno.test("a session that is over closes the socket with 4409, also when nothing was missed", async () => {
  await using it = await stage();
  const { s } = it;
  await using before = it.wire(s.olive);
  await before.until("ready");
  await s.dba.query("select api.end_session($1, 'done')", [s.sessionId]);
  assert.equal((await before.until("closed")).code, 4409);
  const told = before.heard.findLast((frame) => frame.kind === "changes")!;

  await using after = it.wire(s.olive, { after: told.to });
  assert.deepEqual(await after.next(), { kind: "ready", version: told.to });
  assert.deepEqual(await after.next(), { kind: "closed", code: 4409 });
});

Deno.test("the socket opens from our own pages, and from no other site's", async () => {
  await using it = await stage();
  const { s, knock } = it;
  const from = async (origin: string) => (await knock(s.olive, s.sessionId, { origin })).status;
  assert.equal(await from(origin), 101);
  for (const other of ["https://evil.example", "null", `${origin}.evil.example`]) {
    assert.equal(await from(other), 403, other);
    assert.equal((await knock({}, s.sessionId, { origin: other })).status, 403, other);
  }
});

Deno.test("send() is acknowledged once it is stored, and heard by all", async () => {
  await using it = await stage();
  const { s } = it;
  await s.seat(s.sessionId, s.marco, "mechanic");
  await using olive = it.wire(s.olive);
  await using tab = it.wire(s.olive);
  await using marco = it.wire(s.marco);
  await Promise.all([olive, tab, marco].map((wire) => wire.until("ready")));

  const id = clientId();
  olive.say({ kind: "send", clientId: id, body: "It shakes at 50" });
  const [ack] = await Promise.all([
    olive.until("ack"),
    tab.untilSaid("It shakes at 50"),
    marco.untilSaid("It shakes at 50"),
  ]);
  assert.equal(ack.clientId, id);
  const { rows: [row] } = await s.admin.query(
    "select id, version, sender_id from app.chat_messages where session_id = $1",
    [s.sessionId],
  );
  assert.deepEqual([row.id, Number(row.version)], [ack.id, ack.version]);
  assert.equal(row.sender_id, s.olive.id);
});

Deno.test("the same client id from two sockets at once is stored once, and both are told so", async () => {
  await using it = await stage();
  await using one = it.wire(it.s.olive);
  await using two = it.wire(it.s.olive);
  await Promise.all([one.until("ready"), two.until("ready")]);
  for (let round = 0; round < 20; round++) {
    const frame = { kind: "send", clientId: clientId(), body: `round ${round}` };
    one.say(frame);
    two.say(frame);
    const [first, second] = await Promise.all([one.until("ack"), two.until("ack")]);
    assert.deepEqual(first, second);
  }
  assert.deepEqual(await stored(it.s), Array.from({ length: 20 }, (_, n) => `round ${n}`));
});

Deno.test("sends of one socket are stored in their order", async () => {
  await using it = await stage();
  await using olive = it.wire(it.s.olive);
  await olive.until("ready");
  const bodies = Array.from({ length: 100 }, (_, n) => `line ${n}`);
  for (const body of bodies) olive.say({ kind: "send", clientId: clientId(), body });
  await olive.untilSaid("line 99");
  assert.deepEqual(await stored(it.s), bodies);
  assert.deepEqual(olive.bodies, bodies);
  olive.assertGapless(0);
});

Deno.test("what SQL refuses is refused by its code, for that message only", async () => {
  await using it = await stage();
  await using olive = it.wire(it.s.olive);
  await olive.until("ready");
  const answerTo = async (body: string) => {
    const id = clientId();
    olive.say({ kind: "send", clientId: id, body });
    const { clientId: answered, code } = await olive.until("refused");
    assert.equal(answered, id);
    return code;
  };
  assert.equal(await answerTo("x".repeat(4001)), "TOOLG");
  assert.equal(await answerTo(" \n "), "BADIN");

  olive.say({ kind: "send", clientId: clientId(), body: "🚗".repeat(4000) });
  await olive.until("ack"); // characters, not bytes
  olive.say({ kind: "send", clientId: clientId(), body: "nul \0 and half \ud83d a pair" });
  await olive.until("ack");
  assert.equal((await stored(it.s)).length, 2);
});

Deno.test("an observer hears and cannot send", async () => {
  await using it = await stage();
  const dana = await it.s.actor("Dana", "dispatcher");
  await it.s.seat(it.s.sessionId, dana, "observer");
  await using wire = it.wire(dana);
  await wire.until("ready");
  wire.say({ kind: "send", clientId: clientId(), body: "psst" });
  assert.equal((await wire.until("refused")).code, "DNIED");
  await it.s.insertMessage(it.s.sessionId, it.s.olive, "hello");
  await wire.untilSaid("hello");
  assert.deepEqual(await stored(it.s), ["hello"]);
});

Deno.test("a bad frame is refused, and the third closes the socket", async () => {
  await using it = await stage();
  for (
    const bad of [
      "nonsense",
      { kind: "shout", body: "x" },
      { kind: "send", clientId: "7", body: "x" },
      { kind: "send", clientId: clientId() },
      "[]",
    ]
  ) {
    await using olive = it.wire(it.s.olive);
    await olive.until("ready");
    olive.say(bad);
    assert.equal((await olive.until("refused")).code, "BADIN");
    olive.say({ kind: "send", clientId: clientId(), body: "still welcome" });
    await olive.until("ack");
    olive.say(bad);
    olive.say(bad);
    assert.equal((await olive.until("closed").catch(() => olive.until("closed"))).code, 4400);
  }
});

Deno.test("a binary frame is a bad one, and a huge one closes the socket", async () => {
  await using it = await stage();
  await using olive = it.wire(it.s.olive);
  await olive.until("ready");
  olive.socket.send(new Uint8Array(10));
  assert.equal((await olive.until("refused")).code, "BADIN");
  olive.say({ kind: "send", clientId: clientId(), body: "x".repeat(1_000_000) });
  assert.equal((await olive.until("closed")).code, 1009);
  assert.deepEqual(await stored(it.s), []);
});

Deno.test("a flood is slowed down, and what was acknowledged of it is stored", async () => {
  await using it = await stage();
  await using olive = it.wire(it.s.olive);
  await olive.until("ready");
  const ids = Array.from({ length: 1500 }, clientId);
  ids.forEach((id, n) => olive.say({ kind: "send", clientId: id, body: `${n}` }));
  const answers = new Map<string, string>();
  while (answers.size < ids.length) {
    const frame = await olive.next();
    if (frame.kind === "ack") answers.set(frame.clientId, "ack");
    if (frame.kind === "refused") answers.set(frame.clientId!, frame.code);
  }
  const acks = [...answers.values()].filter((answer) => answer === "ack").length;
  assert.equal((await stored(it.s)).length, acks);
  assert.deepEqual(new Set(answers.values()), new Set(["ack", "SLOWD"]));
});

Deno.test("what the database drops in the middle of a send is sent again, and stored once", async () => {
  await using it = await stage();
  await using olive = it.wire(it.s.olive);
  await olive.until("ready");
  for (let round = 0; round < 5; round++) {
    const frame = { kind: "send", clientId: clientId(), body: `round ${round}` };
    olive.say(frame);
    await it.s.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = 'wrenchline_web' and datname = current_database()`,
    );
    for (;;) { // as the browser does
      const answer = await olive.next();
      if (answer.kind === "ack") break;
      if (answer.kind !== "refused") continue;
      assert.equal(answer.code, "AWAY_");
      olive.say(frame);
    }
  }
  assert.deepEqual(await stored(it.s), Array.from({ length: 5 }, (_, n) => `round ${n}`));
});

Deno.test("a removed participant's socket closes with 4403, a signed-out one's with 4401", async () => {
  await using it = await stage();
  const { s } = it;
  await s.seat(s.sessionId, s.marco, "mechanic");
  await using olive = it.wire(s.olive);
  await using marco = it.wire(s.marco);
  await Promise.all([olive.until("ready"), marco.until("ready")]);

  await s.unseat(s.sessionId, s.marco);
  assert.equal((await marco.until("closed")).code, 4403);

  const response = await fetch(`${origin}/logout`, {
    method: "POST",
    headers: { cookie: `login=${s.olive.token}`, origin: origin },
    body: new URLSearchParams(),
    redirect: "manual",
  });
  await response.body?.cancel();
  assert.equal((await olive.until("closed")).code, 4401);
});

Deno.test("a socket that comes back with ?after hears what it missed and no more", async () => {
  await using it = await stage();
  await using first = it.wire(it.s.olive);
  const { version } = await first.until("ready");
  first.socket.close();
  await first.until("closed");
  await it.s.insertMessage(it.s.sessionId, it.s.olive, "missed", 2);
  await using second = it.wire(it.s.olive, { after: version });
  await second.until("ready");
  assert.deepEqual(second.bodies, ["missed 1", "missed 2"]);
  second.assertGapless(version);
});

Deno.test("a client that reads slowly gets all of a long history; one that never reads little", async () => {
  await using it = await stage();
  const { s } = it;
  await s.insertMessage(s.sessionId, s.olive, "x".repeat(3900), 3000); // some 12 MB

  // It connects and lets its window fill.
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(request(s.sessionId, s.olive, {}, 0));

  await using other = it.wire(s.olive);
  await other.until("ready");
  assert.equal(other.bodies.length, 3000);

  await drain(); // closes both: what was kept for the first is what it can still read
  let kept = 0;
  const buffer = new Uint8Array(1 << 20);
  for (let isClosing = false; !isClosing;) {
    const length = await connection.read(buffer) ?? assert.fail("cut off without a word");
    kept += length;
    isClosing = new TextDecoder().decode(buffer.slice(0, length)).endsWith("server restarting");
  }
  assert.ok(kept < 10_000_000, `${kept} bytes were kept for it`);
});
