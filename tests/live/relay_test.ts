import assert from "node:assert/strict";
import { openRelay, type Source } from "@/lib/live/relay.ts";
import { sendMessage, signalTyping } from "@/lib/messages.ts";
import { Chair, clientId, scene } from "./scene.ts";

const NEVER_MS = 2 ** 30;

Deno.test("a new seat is caught up, told ready, and then told what happens", async () => {
  await using s = await scene();
  await s.insertMessage(s.sessionId, s.olive, "It shakes at 50");
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);

  const first = await olive.until("changes");
  assert.equal(first.from, 0);
  assert.equal(first.session?.status, "waiting");
  assert.deepEqual(first.participants?.map((p) => p.name), ["Olive"]);
  assert.deepEqual(first.messages?.map((m) => m.body), ["It shakes at 50"]);
  assert.deepEqual(await olive.next(), { kind: "ready", version: first.to });

  await sendMessage(s.olive, { sessionId: s.sessionId, clientId: clientId(), body: "Hello?" });
  const next = await olive.until("changes");
  assert.deepEqual([next.from, next.messages?.map((m) => m.body)], [first.to, ["Hello?"]]);
  await relay.drain();
});

Deno.test("a DBA's plain INSERT of a mechanic and of a message is delivered", async () => {
  await using s = await scene();
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");

  await s.seat(s.sessionId, s.marco, "mechanic");
  const joined = await olive.until("changes");
  assert.deepEqual(joined.participants?.map((p) => [p.name, p.role]), [
    ["Olive", "customer"],
    ["Marco", "mechanic"],
  ]);

  await s.insertMessage(s.sessionId, s.marco, "At what speed?");
  const said = await olive.untilSaid("At what speed?");
  assert.equal(said.messages?.[0].role, "mechanic");
  await relay.drain();
});

Deno.test("a removed participant is closed with 4403, before anything said later", async () => {
  await using s = await scene();
  await s.seat(s.sessionId, s.marco, "mechanic");
  const relay = openRelay();
  const [olive, marco] = [
    new Chair(s.sessionId, s.olive.proof),
    new Chair(s.sessionId, s.marco.proof),
  ];
  relay.sit(olive);
  relay.sit(marco);
  await Promise.all([olive.until("ready"), marco.until("ready")]);
  await s.insertMessage(s.sessionId, s.olive, "while he is here");
  await marco.untilSaid("while he is here"); // he could hear

  await s.dba.query("begin");
  await s.unseat(s.sessionId, s.marco);
  await s.insertMessage(s.sessionId, s.olive, "after he left");
  await s.dba.query("commit");

  assert.deepEqual(await marco.next(), { kind: "closed", code: 4403 });
  await olive.untilSaid("after he left");
  assert.deepEqual(marco.bodies, ["while he is here"]);
  await relay.drain();
});

Deno.test("a login that ended is closed with 4401 at once; the user's other login stays", async () => {
  await using s = await scene();
  const phone = await s.signIn(s.olive.id);
  const relay = openRelay();
  const [laptop, other] = [
    new Chair(s.sessionId, s.olive.proof),
    new Chair(s.sessionId, phone.proof),
  ];
  relay.sit(laptop);
  relay.sit(other);
  await Promise.all([laptop.until("ready"), other.until("ready")]);

  await s.admin.query(
    "delete from auth.logins where proof_hash = sha256(convert_to($1, 'UTF8'))",
    [s.olive.proof],
  );
  assert.deepEqual(await laptop.next(), { kind: "closed", code: 4401 });

  await s.insertMessage(s.sessionId, s.olive, "still here");
  await other.untilSaid("still here");
  assert.deepEqual(laptop.bodies, []);
  await relay.drain();
});

Deno.test("an ended session tells its end, then closes with 4409", async () => {
  await using s = await scene();
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");
  await s.dba.query("select api.end_session($1, 'done')", [s.sessionId]);
  assert.equal((await olive.until("changes")).session?.status, "ended");
  assert.deepEqual(await olive.next(), { kind: "closed", code: 4409 });
  await relay.drain();
});

Deno.test("a seat that knows all of a session that is over is closed with 4409 too", async () => {
  await using s = await scene();
  const other = await s.chat(s.olive);
  await s.dba.query("select api.refund_session($1, 'nobody came')", [other]);
  await s.dba.query("select api.end_session($1, 'done')", [s.sessionId]);
  const relay = openRelay();
  for (const sessionId of [s.sessionId, other]) {
    const { rows: [{ version }] } = await s.admin.query(
      "select version::int from private.session_versions where session_id = $1",
      [sessionId],
    );
    const olive = new Chair(sessionId, s.olive.proof, version);
    relay.sit(olive);
    assert.deepEqual(await olive.next(), { kind: "ready", version });
    assert.deepEqual(await olive.next(), { kind: "closed", code: 4409 });
  }
  await relay.drain();
});

Deno.test("listening() waits until bells are heard, and for them to be heard again", async () => {
  let ears!: Parameters<Source["listen"]>[0];
  const relay = openRelay({
    deliver: () => Promise.resolve([]),
    heads: () => Promise.resolve([]),
    listen(given) {
      ears = given;
      return { close: () => Promise.resolve() };
    },
  });
  let answered = 0;
  const ask = () => relay.listening().then(() => answered++);
  const first = ask();
  await Promise.resolve();
  assert.equal(answered, 0);
  ears.onUp();
  await first;
  await ask();
  ears.onDown?.();
  const third = ask();
  await Promise.resolve();
  assert.equal(answered, 2);
  ears.onUp();
  await third;
  await relay.drain();
});

Deno.test("nothing is lost when the LISTEN connection is killed", async () => {
  await using s = await scene();
  const relay = openRelay(undefined, { backstopMs: NEVER_MS }); // its backstop is not to help
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");

  for (let round = 0; round < 3; round++) {
    await relay.listening();
    assert.ok(await s.killListeners() > 0, "nobody was listening");
    await s.insertMessage(s.sessionId, s.olive, `in the dark ${round}`);
    await olive.untilSaid(`in the dark ${round}`);
    await s.insertMessage(s.sessionId, s.olive, `later ${round}`);
    await olive.untilSaid(`later ${round}`);
  }
  olive.assertGapless(0);
  assert.equal(olive.bodies.length, 6);
  await relay.drain();
});

Deno.test("nothing is lost or doubled while every connection of the relay is killed again and again", async () => {
  await using s = await scene();
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");

  const bodies = Array.from({ length: 60 }, (_, n) => `line ${n}`);
  for (const [n, body] of bodies.entries()) {
    if (n % 6 === 3) await s.killRelays();
    await s.insertMessage(s.sessionId, s.olive, body);
  }
  await olive.untilSaid("line 59");
  assert.deepEqual(olive.bodies, bodies);
  olive.assertGapless(0);
  await relay.drain();
});

Deno.test("a bell that was lost is found by the heads", async () => {
  await using s = await scene();
  const relay = openRelay(undefined, { backstopMs: 50 });
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");

  // What a process does that dies between its commit and its notify.
  await s.admin.query("begin");
  await s.admin.query("select set_config('app.rings_itself', 'on', true)");
  await s.admin.query(
    "insert into app.chat_messages (session_id, sender_id, body) values ($1, $2, 'unrung')",
    [s.sessionId, s.olive.id],
  );
  await s.admin.query("commit");
  await olive.untilSaid("unrung");
  await relay.drain();
});

Deno.test("1,200 missed messages come in pages, in order, without a gap", async () => {
  await using s = await scene();
  await s.insertMessage(s.sessionId, s.olive, "line", 1200);
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");
  assert.equal(olive.heard.length, 4); // three pages, and ready
  assert.deepEqual(olive.bodies, Array.from({ length: 1200 }, (_, n) => `line ${n + 1}`));
  olive.assertGapless(0);
  await relay.drain();
});

Deno.test("a seat that comes back hears what it missed, and nothing twice", async () => {
  await using s = await scene();
  const relay = openRelay();
  const before = new Chair(s.sessionId, s.olive.proof);
  relay.sit(before);
  const { version } = await before.until("ready");
  relay.leave(before);
  await s.insertMessage(s.sessionId, s.olive, "missed", 3);

  const after = new Chair(s.sessionId, s.olive.proof, version);
  relay.sit(after);
  await after.until("ready");
  assert.deepEqual(after.bodies, ["missed 1", "missed 2", "missed 3"]);
  after.assertGapless(version);
  assert.deepEqual(before.bodies, []);
  await relay.drain();
});

Deno.test("two processes on one database behave as one", async () => {
  await using s = await scene();
  await s.seat(s.sessionId, s.marco, "mechanic");
  const [here, there] = [openRelay(), openRelay()];
  const olive = new Chair(s.sessionId, s.olive.proof);
  const marco = new Chair(s.sessionId, s.marco.proof);
  here.sit(olive);
  there.sit(marco);
  await Promise.all([olive.until("ready"), marco.until("ready")]);

  const say = (who: typeof s.olive, body: string) =>
    sendMessage(who, { sessionId: s.sessionId, clientId: clientId(), body });
  const bodies = Array.from({ length: 40 }, (_, n) => `line ${n}`);
  await Promise.all(bodies.map((body, n) => say(n % 2 ? s.olive : s.marco, body)));
  await say(s.olive, "last");
  await Promise.all([olive.untilSaid("last"), marco.untilSaid("last")]);

  for (const chair of [olive, marco]) chair.assertGapless(0);
  assert.deepEqual(olive.bodies, marco.bodies);
  assert.deepEqual([...olive.bodies].sort(), [...bodies, "last"].sort());
  await Promise.all([here.drain(), there.drain()]);
});

Deno.test("a frame is serialized once for all seats that know equally much", async () => {
  await using s = await scene();
  const relay = openRelay();
  const given: string[] = [];
  class Listener extends Chair {
    override hand(frame: string) {
      given.push(frame);
      super.hand(frame);
    }
  }
  const seats = [1, 2, 3].map(() => new Listener(s.sessionId, s.olive.proof));
  seats.forEach((seat) => relay.sit(seat));
  await Promise.all(seats.map((seat) => seat.until("ready")));
  given.length = 0;
  await s.insertMessage(s.sessionId, s.olive, "to all");
  await Promise.all(seats.map((seat) => seat.untilSaid("to all")));
  assert.deepEqual(new Set(given).size, 1);
  await relay.drain();
});

Deno.test("typing is passed on to the others, and a spoofed bell harms nobody", async () => {
  await using s = await scene();
  await s.seat(s.sessionId, s.marco, "mechanic");
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");
  await relay.listening(); // ready says only that history was read

  for (
    const payload of ["", "{", "null", "[]", '{"kind":"changes"}', `{"session":"${s.sessionId}"}`]
  ) {
    await s.admin.query("select pg_notify('session_signal', $1)", [payload]);
    await s.admin.query("select pg_notify('session_changed', $1)", [payload]);
  }
  await signalTyping(s.marco, s.sessionId);
  assert.deepEqual(await olive.next(), { kind: "typing", userId: s.marco.id });
  await relay.drain();
});

Deno.test("drain() closes every seat with 1012, and those that come after", async () => {
  await using s = await scene();
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  relay.sit(olive);
  await olive.until("ready");
  await relay.drain();
  assert.deepEqual(await olive.next(), { kind: "closed", code: 1012 });
  const late = new Chair(s.sessionId, s.olive.proof);
  relay.sit(late);
  assert.deepEqual(await late.next(), { kind: "closed", code: 1012 });
});

Deno.test("one refused seat does not keep another, or another session, from hearing", async () => {
  await using s = await scene();
  const elsewhere = await s.chat(await s.actor("Otto", "customer"));
  const relay = openRelay();
  const olive = new Chair(s.sessionId, s.olive.proof);
  const stranger = new Chair(s.sessionId, s.nadia.proof);
  const forged = new Chair(s.sessionId, "0".repeat(64));
  const misplaced = new Chair(elsewhere, s.olive.proof);
  [olive, stranger, forged, misplaced].forEach((chair) => relay.sit(chair));
  await olive.until("ready");
  assert.deepEqual(await stranger.next(), { kind: "closed", code: 4403 });
  assert.deepEqual(await forged.next(), { kind: "closed", code: 4401 });
  assert.deepEqual(await misplaced.next(), { kind: "closed", code: 4403 });
  await relay.drain();
});

Deno.test("a seat that takes nothing is handed nothing more, catches up when it does, or is cut off", async () => {
  await using s = await scene();
  const relay = openRelay(undefined, { stuckMs: 500 });
  const [slow, stuck, quick] = [1, 2, 3].map(() => new Chair(s.sessionId, s.olive.proof));
  [slow, stuck, quick].forEach((chair) => relay.sit(chair));
  await Promise.all([slow, stuck, quick].map((chair) => chair.until("ready")));

  slow.untaken = stuck.untaken = 2_000_000;
  await s.insertMessage(s.sessionId, s.olive, "one");
  await quick.untilSaid("one");
  await s.insertMessage(s.sessionId, s.olive, "two");
  await quick.untilSaid("two");
  assert.deepEqual([slow.bodies, stuck.bodies], [[], []]);

  slow.untaken = 0;
  await slow.untilSaid("two");
  assert.deepEqual(slow.bodies, ["one", "two"]);
  slow.assertGapless(0);
  assert.deepEqual(await stuck.next(), { kind: "closed", code: 4408 });
  await relay.drain();
});
