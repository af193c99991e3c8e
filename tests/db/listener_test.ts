import { strict as assert } from "node:assert";
import { type Listener, listener } from "@/lib/db/listener.ts";
import { asAdmin } from "../support/database.ts";
import { openDoor } from "./entrance.ts";
import { openProxy } from "./proxy.ts";

/** A listener whose events are read one by one. */
function listening(url: string): { next(): Promise<string>; ears: Listener } {
  const events: string[] = [];
  let wake = () => {};
  const tell = (event: string) => {
    events.push(event);
    wake();
  };
  const ears = listener({
    url,
    channels: ["session_changed", "Session Signal"],
    onRing: (channel, payload) => tell(`${channel}: ${payload}`),
    onUp: () => tell(`up ${ears.isUp()}`),
    onDown: () => tell(`down ${ears.isUp()}`),
  });
  const next = async () => {
    while (events.length === 0) await new Promise<void>((told) => wake = told);
    return events.shift()!;
  };
  return { ears, next };
}

function ringAt(adminUrl: string, channel: string, payload: string) {
  return asAdmin(adminUrl, (admin) => admin.query("select pg_notify($1, $2)", [channel, payload]));
}

Deno.test("a listener says it is up once every channel is listened to, and hears each ring", async () => {
  await using door = await openDoor();
  const { ears, next } = listening(door.db.relayUrl);
  assert.equal(ears.isUp(), false);
  assert.equal(await next(), "up true");
  assert.equal(ears.isUp(), true);
  await ringAt(door.db.adminUrl, "session_changed", "one");
  assert.equal(await next(), "session_changed: one");
  await ringAt(door.db.adminUrl, "Session Signal", "two");
  assert.equal(await next(), "Session Signal: two");
  await ears.close();
  assert.equal(ears.isUp(), false);
});

Deno.test("a listener is never in a transaction, where unread bells would pile up until nobody can commit", async () => {
  await using door = await openDoor();
  const { ears, next } = listening(door.db.relayUrl);
  assert.equal(await next(), "up true");
  await ringAt(door.db.adminUrl, "session_changed", "one");
  assert.equal(await next(), "session_changed: one");
  const listeners = () =>
    door.sql(`select state, xact_start from pg_stat_activity
      where datname = current_database() and usename = 'wrenchline_relay'`);
  assert.deepEqual(await listeners(), [{ state: "idle", xact_start: null }]);
  await ears.close();
});

Deno.test("a listener whose backend is ended says it is down, comes back, and says it is up again", async () => {
  await using door = await openDoor();
  const { ears, next } = listening(door.db.relayUrl);
  for (let times = 0; times < 3; times++) {
    assert.equal(await next(), "up true");
    await ringAt(door.db.adminUrl, "session_changed", `${times}`); // heard, because it listened first
    assert.equal(await next(), `session_changed: ${times}`);
    await door.sql(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and usename = 'wrenchline_relay'",
    );
    assert.equal(await next(), "down false");
  }
  assert.equal(await next(), "up true");
  await ears.close();
});

Deno.test("a listener keeps trying while nobody answers, and is told apart from one that was closed", async () => {
  await using door = await openDoor();
  await using proxy = openProxy(door.db.relayUrl);
  proxy.cut();
  const { ears, next } = listening(proxy.via(door.db.relayUrl));
  await proxy.mend();
  assert.equal(await next(), "up true");
  proxy.cut();
  assert.equal(await next(), "down false");
  await ears.close(); // while it waits to try again
  await proxy.mend();

  const another = listening(proxy.via(door.db.relayUrl));
  await another.ears.close(); // while it connects
  assert.equal(another.ears.isUp(), false);
});
