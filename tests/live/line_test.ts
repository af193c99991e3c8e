import assert from "node:assert/strict";
import type { ClientFrame, ServerFrame } from "@/lib/live/frames.ts";
import { line, type World } from "@/lib/live/line.ts";
import { timeline } from "@/lib/live/timeline.ts";

const olive = "00000000-0000-4000-8000-00000000000a";

/** A socket whose other end is the test. */
class FakeSocket {
  readyState: number = WebSocket.CONNECTING;
  sent: ClientFrame[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (event: { code: number }) => void;
  constructor(readonly path: string) {}

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = WebSocket.CLOSED;
  }
  opens() {
    this.readyState = WebSocket.OPEN;
    this.onopen?.();
  }
  says(frame: ServerFrame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  closes(code: number) {
    this.readyState = WebSocket.CLOSED;
    this.onclose?.({ code });
  }
}

/** A world in which time passes when the test says so. */
function fakeWorld() {
  const sockets: FakeSocket[] = [];
  const asked: string[] = [];
  let timers: { what: () => void; at: number }[] = [];
  let now = 0;
  let answer: () => Response = () => Response.json({ from: 0, to: 0 });
  const world: World = {
    socket(path) {
      const socket = new FakeSocket(path);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    fetch(path) {
      asked.push(path);
      return Promise.resolve(answer());
    },
    later(what, ms) {
      const timer = { what, at: now + ms };
      timers.push(timer);
      return () => timers = timers.filter((other) => other !== timer);
    },
    random: () => 1,
    now: () => now,
  };
  return {
    world,
    sockets,
    asked,
    get socket() {
      return sockets[sockets.length - 1];
    },
    get timers() {
      return timers.length;
    },
    answers: (response: () => Response) => answer = response,
    /** Runs what is due within so many milliseconds, in order. */
    pass(ms: number) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((timer) => timer !== due);
        now = due.at;
        due.what();
      }
      now = end;
    },
  };
}

function olivesLine() {
  const t = timeline({
    session: {
      id: "5e55",
      type: "chat",
      plan: "chat10",
      status: "live",
      createdAt: "2026-01-01T10:00:00Z",
      liveAt: null,
      endedAt: null,
      lengthMinutes: 10,
    },
    participants: [{ userId: olive, name: "Olive", role: "customer" }],
    messages: [],
    version: 7,
    viewerId: olive,
    viewerRole: "customer",
  });
  const fake = fakeWorld();
  const l = line(t, fake.world);
  l.open();
  return { t, l, fake };
}

const message = (version: number, clientId: string) => ({
  id: `id-${version}`,
  version,
  senderId: olive,
  senderName: "Olive",
  role: "customer" as const,
  body: "Hello",
  clientId,
  createdAt: "2026-01-01T10:00:00Z",
});

Deno.test("a line asks from the version it has, and again after it was lost", () => {
  const { t, fake } = olivesLine();
  assert.equal(fake.socket.path, "/api/sessions/5e55/socket?after=7");
  fake.socket.opens();
  fake.socket.says({ kind: "changes", from: 7, to: 9 });
  fake.socket.says({ kind: "ready", version: 9 });
  assert.equal(t.connection.value, "open");

  fake.socket.closes(1012);
  assert.equal(t.connection.value, "reconnecting");
  fake.pass(1000);
  assert.equal(fake.sockets.length, 2);
  assert.equal(fake.socket.path, "/api/sessions/5e55/socket?after=9");
});

Deno.test("a line waits longer from try to try, and never for ever", () => {
  const { fake } = olivesLine();
  const triesWithin = (ms: number) => {
    const before = fake.sockets.length;
    const end = ms / 100;
    for (let n = 0; n < end; n++) {
      if (fake.socket.readyState !== WebSocket.CLOSED) fake.socket.closes(1006);
      fake.pass(100);
    }
    return fake.sockets.length - before;
  };
  const first = triesWithin(10_000);
  const later = triesWithin(60_000) / 6;
  assert.ok(first >= 3 && first <= 8, `${first}`);
  assert.ok(later >= 0.5 && later <= 1.5, `${later}`);
});

Deno.test("a line that meets a gap asks again from its own version", () => {
  const { t, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  fake.socket.says({ kind: "changes", from: 8, to: 9, messages: [message(9, "x")] });
  assert.deepEqual(t.messages.value, []);
  fake.pass(1000);
  assert.equal(fake.socket.path, "/api/sessions/5e55/socket?after=7");
});

Deno.test("send() keeps a message until the line is ready, and says it once", () => {
  const { t, l, fake } = olivesLine();
  l.send("Hello", "one");
  fake.socket.opens();
  assert.deepEqual(fake.socket.sent, []);
  fake.socket.says({ kind: "ready", version: 7 });
  assert.deepEqual(fake.socket.sent, [{ kind: "send", clientId: "one", body: "Hello" }]);
  fake.socket.says({ kind: "ack", clientId: "one", id: "id-8", version: 8 });
  assert.equal(t.pending.value[0].state, "sent");
});

Deno.test("what was not acknowledged is sent again under its id, what was stored is not", () => {
  const { l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  l.send("Hello", "stored");
  l.send("Hello", "lost");
  fake.socket.closes(1006);
  fake.pass(1000);

  fake.socket.opens();
  // The ack was lost, the message was not: catching up tells.
  fake.socket.says({ kind: "changes", from: 7, to: 8, messages: [message(8, "stored")] });
  fake.socket.says({ kind: "ready", version: 8 });
  assert.deepEqual(fake.socket.sent.map((f) => f.kind === "send" && f.clientId), ["lost"]);
});

Deno.test("a send without an answer gives the socket up", () => {
  const { l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  l.send("Hello", "one");
  fake.pass(11_000);
  assert.equal(fake.sockets.length, 2);
});

Deno.test("a refusal fails that message only; one for the moment is said again", () => {
  const { t, l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  l.send("a", "too-long");
  l.send("b", "too-fast");
  fake.socket.says({ kind: "refused", clientId: "too-long", code: "TOOLG", words: "Too long." });
  fake.socket.says({ kind: "refused", clientId: "too-fast", code: "SLOWD", words: "Slower." });
  assert.deepEqual(t.pending.value.map((p) => p.state), ["failed", "sending"]);

  fake.pass(2500);
  assert.deepEqual(fake.socket.sent.slice(2), [{ kind: "send", clientId: "too-fast", body: "b" }]);
  l.retry("too-long");
  assert.deepEqual(fake.socket.sent.slice(3), [{ kind: "send", clientId: "too-long", body: "a" }]);
});

Deno.test("a final close code ends the line, and what was on its way fails", () => {
  for (
    const [code, end] of [[4401, "signed-out"], [4403, "removed"], [4404, "removed"], [
      4409,
      "ended",
    ]] as const
  ) {
    const { t, l, fake } = olivesLine();
    fake.socket.opens();
    fake.socket.says({ kind: "ready", version: 7 });
    l.send("Hello", "one");
    fake.socket.closes(code);
    assert.equal(t.connection.value, end);
    assert.equal(t.pending.value[0].state, "failed");
    fake.pass(60_000);
    l.network(true);
    l.seen(true);
    assert.equal(fake.sockets.length, 1, `${code} comes back`);
    assert.equal(fake.timers, 0);
  }
});

Deno.test("a line that cannot open asks by HTTP, and stops when it is told to", async () => {
  for (const [status, end] of [[401, "signed-out"], [404, "removed"]] as const) {
    const { t, fake } = olivesLine();
    fake.answers(() => Response.json({}, { status }));
    fake.socket.closes(1006);
    assert.deepEqual(fake.asked, ["/api/sessions/5e55/messages?after=7"]);
    await Promise.resolve().then(() => {});
    assert.equal(t.connection.value, end);
    assert.equal(fake.timers, 0);
  }
});

Deno.test("a line that cannot open still hears what is new, by HTTP", async () => {
  const { t, fake } = olivesLine();
  fake.answers(() => Response.json({ from: 7, to: 8, messages: [message(8, "x")] }));
  fake.socket.closes(1006);
  while (t.version.value !== 8) await new Promise((done) => queueMicrotask(() => done(0)));
  assert.equal(t.messages.value.length, 1);
});

Deno.test("a line goes with the network, and comes back with it at once", () => {
  const { t, l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  l.network(false);
  assert.equal(t.connection.value, "offline");
  fake.pass(60_000);
  assert.equal(fake.sockets.length, 1);
  l.network(true);
  assert.equal(fake.sockets.length, 2);
});

Deno.test("a page that slept does not trust its socket; one that looked away does", () => {
  const { l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  l.seen(false);
  fake.pass(5_000);
  l.seen(true);
  assert.equal(fake.sockets.length, 1);
  l.seen(false);
  fake.pass(120_000);
  l.seen(true);
  assert.equal(fake.sockets.length, 2);
});

Deno.test("type() speaks now and then, not at each key", () => {
  const { l, fake } = olivesLine();
  fake.socket.opens();
  fake.socket.says({ kind: "ready", version: 7 });
  fake.pass(10_000);
  for (let key = 0; key < 20; key++) {
    l.type();
    fake.pass(200);
  }
  assert.equal(fake.socket.sent.length, 2);
});
