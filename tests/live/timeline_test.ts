import assert from "node:assert/strict";
import type { MessageView, ParticipantView } from "@/lib/live/frames.ts";
import { timeline } from "@/lib/live/timeline.ts";

const olive = "00000000-0000-4000-8000-00000000000a";
const marco = "00000000-0000-4000-8000-00000000000b";

const seats: ParticipantView[] = [{ userId: olive, name: "Olive", role: "customer" }];
const marcoSeat: ParticipantView = { userId: marco, name: "Marco", role: "mechanic" };

function message(version: number, body: string, senderId = marco): MessageView {
  return {
    id: `id-${version}`,
    version,
    senderId,
    senderName: senderId === olive ? "Olive" : "Marco",
    role: senderId === olive ? "customer" : "mechanic",
    body,
    clientId: `client-${version}`,
    createdAt: "2026-01-01T10:00:00Z",
  };
}

function olivesTimeline(now = () => 0) {
  return timeline({
    session: {
      id: "s",
      type: "chat",
      plan: "chat10",
      status: "waiting",
      createdAt: "2026-01-01T10:00:00Z",
      liveAt: null,
      endedAt: null,
      lengthMinutes: 10,
    },
    participants: seats,
    messages: [message(3, "It shakes", olive)],
    version: 3,
    viewerId: olive,
    viewerRole: "customer",
  }, now);
}

const bodies = (t: ReturnType<typeof timeline>) => t.messages.value.map((m) => m.body);

Deno.test("apply() takes in what follows the version it has", () => {
  const t = olivesTimeline();
  assert.equal(t.apply({ from: 3, to: 4, messages: [message(4, "At what speed?")] }), "applied");
  assert.equal(t.version.value, 4);
  assert.deepEqual(bodies(t), ["It shakes", "At what speed?"]);
});

Deno.test("apply() takes nothing in after a gap, and says so", () => {
  const t = olivesTimeline();
  assert.equal(t.apply({ from: 4, to: 5, messages: [message(5, "later")] }), "gap");
  assert.equal(t.version.value, 3);
  assert.deepEqual(bodies(t), ["It shakes"]);
});

Deno.test("apply() passes over what it knows already", () => {
  const t = olivesTimeline();
  t.apply({ from: 3, to: 4, messages: [message(4, "once")] });
  assert.equal(t.apply({ from: 3, to: 4, messages: [message(4, "once")] }), "stale");
  assert.deepEqual(bodies(t), ["It shakes", "once"]);
});

Deno.test("apply() asks again for what it knows in part only", () => {
  const t = olivesTimeline();
  assert.equal(t.apply({ from: 2, to: 5, messages: [message(5, "part")] }), "gap");
});

Deno.test("apply() replaces a message by its newer state, in its place", () => {
  const t = olivesTimeline();
  t.apply({ from: 3, to: 4, messages: [message(4, "two")] });
  t.apply({ from: 4, to: 5, messages: [{ ...message(3, "edited", olive), version: 5 }] });
  assert.deepEqual(bodies(t), ["edited", "two"]);
});

Deno.test("status reads who is there, from the participants", () => {
  const t = olivesTimeline();
  assert.equal(t.status.value, "Waiting for a mechanic to join");
  t.apply({ from: 3, to: 4, participants: [...seats, marcoSeat] });
  assert.equal(t.status.value, "1 mechanic connected");
  t.apply({ from: 4, to: 5, participants: [...seats, marcoSeat, { ...marcoSeat, userId: "n" }] });
  assert.equal(t.status.value, "2 mechanics connected");
  t.apply({ from: 5, to: 6, participants: seats });
  assert.equal(t.status.value, "Waiting for a mechanic to join");
  t.apply({ from: 6, to: 7, session: { ...t.session.value, status: "ended" } });
  assert.equal(t.status.value, "This session is over");
  assert.equal(t.maySend.value, false);
});

Deno.test("a message of ours is shown at once, and once, whichever of ack and changes is first", () => {
  const stored = { ...message(4, "Hello", olive), clientId: "mine" };
  for (const order of ["ack first", "changes first"]) {
    const t = olivesTimeline();
    t.say("mine", "Hello");
    assert.deepEqual(t.pending.value.map((p) => [p.body, p.state]), [["Hello", "sending"]]);

    if (order === "ack first") {
      t.acknowledge("mine");
      assert.equal(t.pending.value[0].state, "sent");
    }
    t.apply({ from: 3, to: 4, messages: [stored] });
    if (order === "changes first") t.acknowledge("mine");

    assert.deepEqual(t.pending.value, [], order);
    assert.deepEqual(bodies(t), ["It shakes", "Hello"], order);
  }
});

Deno.test("somebody else's client id does not settle a message of ours", () => {
  const t = olivesTimeline();
  t.say("mine", "Hello");
  t.apply({ from: 3, to: 4, messages: [{ ...message(4, "copied"), clientId: "mine" }] });
  assert.equal(t.pending.value.length, 1);
});

Deno.test("a refused message keeps its text until it is retried or discarded", () => {
  const t = olivesTimeline();
  t.say("one", "Hello");
  t.fail("one", "This session is over.");
  assert.deepEqual([t.pending.value[0].state, t.pending.value[0].words], [
    "failed",
    "This session is over.",
  ]);
  assert.equal(t.retry("one"), true);
  assert.equal(t.pending.value[0].state, "sending");
  assert.equal(t.discard("one"), "Hello");
  assert.equal(t.retry("one"), false);
});

Deno.test("only what is new and from others is announced, by author", () => {
  const t = olivesTimeline();
  assert.equal(t.announce(), ""); // not the history
  t.apply({ from: 3, to: 4, messages: [message(4, "mine", olive)] });
  assert.equal(t.announce(), "");
  t.apply({ from: 4, to: 5, messages: [message(5, "At what speed?")] });
  t.apply({ from: 5, to: 6, messages: [message(6, "Always?")] });
  assert.equal(t.announce(), "Marco: At what speed?\nMarco: Always?");
  assert.equal(t.announce(), "");
  t.apply({ from: 6, to: 10, messages: [7, 8, 9, 10].map((v) => message(v, `${v}`)) });
  assert.equal(t.announce(), "4 new messages");
});

Deno.test("typing fades, and ends with the message", () => {
  let now = 0;
  const t = olivesTimeline(() => now);
  t.apply({ from: 3, to: 4, participants: [...seats, marcoSeat] });
  t.hearTyping(olive); // our other tab
  t.hearTyping("nobody we know");
  assert.deepEqual(t.typing.value, []);

  t.hearTyping(marco);
  assert.deepEqual(t.typing.value, [marcoSeat]);
  now = 6000;
  t.fade();
  assert.deepEqual(t.typing.value, []);

  t.hearTyping(marco);
  t.apply({ from: 4, to: 5, messages: [message(5, "there")] });
  assert.deepEqual(t.typing.value, []);
});

Deno.test("an observer may not send", () => {
  const t = timeline({ ...opening(), viewerRole: "observer" });
  assert.equal(t.maySend.value, false);
  assert.equal(timeline(opening()).maySend.value, true);
});

function opening() {
  const t = olivesTimeline();
  return {
    session: t.session.value,
    participants: t.participants.value,
    messages: [],
    version: 0,
    viewerId: olive,
    viewerRole: "customer" as const,
  };
}
