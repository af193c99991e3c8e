/** The hot paths of a conversation, end to end: the page, the door, send to delivered, catch-up. */
import { lines } from "@/lib/db/line.ts";
import { reading } from "@/lib/db/door.ts";
import { proofOf, SESSIONS, tokenOf, USERS } from "../support/cast.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { each, percentile, rate, type Row, spread } from "./row.ts";

/** Measures against a real app with a real database. */
export async function measure(): Promise<Row[]> {
  await using app = await startApp();
  return [
    await chatPage(app),
    await identity(),
    await sendToDelivered(app),
    await throughput(app),
    await catchUp(app),
    await clientBytes(app),
  ];
}

async function fill(
  app: TestApp,
  session: string,
  sender: string,
  messages: number,
): Promise<void> {
  await app.sql(
    `insert into app.chat_messages (session_id, sender_id, body)
    select $1, $2, 'Message ' || i || ' of a conversation about a car that shakes at fifty' from generate_series(1, $3) i`,
    [session, sender, messages],
  );
}

async function chatPage(app: TestApp): Promise<Row> {
  await fill(app, SESSIONS.olives, USERS.olive, 50);
  const olive = app.as("olive");
  const view = async () => {
    const page = await olive.get(`/chat/${SESSIONS.olives}`);
    if (page.status !== 200) throw new Error(`The chat page answered ${page.status}`);
    await page.text();
  };
  await each(30, view);
  const ms = await each(200, view);
  return {
    what: "The chat page with 50 messages, from Postgres to the browser's socket",
    ours: `${spread(ms)}; ${Math.round(await rate(400, 8, view))} pages/s`,
  };
}

async function identity(): Promise<Row> {
  const olive = { proof: proofOf("olive") };
  const { environment } = await import("@/lib/environment.ts");
  const bare = lines(environment().backstageDatabaseUrl, {
    most: 1,
    patienceMs: 60_000,
    purpose: "bench",
  }).line();
  const ask = () => reading(olive, (tx) => tx`select api.viewer()`);
  const floor = () => bare.send("select 1");
  await each(100, ask);
  await each(100, floor);
  const [ours, theirs] = [await each(500, ask), await each(500, floor)];
  return {
    what: "A read through the door (identity, role, reset: one round trip) against select 1",
    ours: spread(ours),
    beside: spread(theirs),
    ratio: percentile(ours, 0.5) / percentile(theirs, 0.5),
  };
}

/** A socket of one of the cast, ready. `onChanges` is called for each changes frame. */
async function open(
  app: TestApp,
  token: string,
  session: string,
  after: number,
  onChanges: (frame: Changes) => void,
) {
  const url = new URL(
    `/api/sessions/${session}/socket?after=${after}`,
    app.origin.replace("http", "ws"),
  );
  const socket = new WebSocket(
    url,
    { headers: { cookie: `login=${token}`, origin: app.origin } } as unknown as string[],
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.kind === "changes") onChanges(frame);
    if (frame.kind === "ready") resolve();
  };
  socket.onerror = () => reject(new Error("The socket did not open"));
  await promise;
  return socket;
}

interface Changes {
  to: number;
  messages?: { clientId: string }[];
}

async function sendToDelivered(app: TestApp): Promise<Row> {
  const waiting = new Map<string, () => void>();
  const heard = (frame: Changes) =>
    frame.messages?.forEach(({ clientId }) => waiting.get(clientId)?.());
  const [from, to] = [
    await open(app, tokenOf("olive"), SESSIONS.olives, 0, () => {}),
    await open(app, tokenOf("marco"), SESSIONS.olives, 0, heard),
  ];
  const send = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const clientId = crypto.randomUUID();
    waiting.set(clientId, resolve);
    from.send(JSON.stringify({ kind: "send", clientId, body: "It shakes at 50" }));
    return promise;
  };
  const pause = () => new Promise((done) => setTimeout(done, 120)); // below what one seat may send
  const ms: number[] = [];
  for (let i = 0; i < 120; i++) {
    const [one] = await each(1, send);
    if (i >= 20) ms.push(one);
    await pause();
  }
  from.close();
  to.close();
  return {
    what: "Send to delivered, one session, browser socket to browser socket",
    ours: spread(ms),
    target: "median below 3 ms",
  };
}

async function throughput(app: TestApp): Promise<Row> {
  const people = 100;
  const each = 20;
  await app.sql(`
    insert into auth.users (id, name) select ('30000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'Guest' from generate_series(1, ${people}) i;
    insert into app.sessions (id, type, plan, length_minutes) select ('40000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'chat', 'chat10', 10 from generate_series(1, ${people}) i;
    insert into app.session_participants (session_id, user_id, role) select ('40000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, ('30000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'customer' from generate_series(1, ${people}) i;
  `);
  const tokens: string[] = [];
  for (let i = 1; i <= people; i++) {
    const token = `${"0".repeat(31)}${String(i).padStart(12, "0")}`;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    await app.sql(
      "insert into auth.logins (proof_hash, user_id) values (sha256(convert_to($1, 'UTF8')), $2)",
      [new Uint8Array(digest).toHex(), `30000000-0000-4000-8000-${String(i).padStart(12, "0")}`],
    );
    tokens.push(token);
  }
  let delivered = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = await Promise.all(
    tokens.map((token, i) =>
      open(app, token, `40000000-0000-4000-8000-${String(i + 1).padStart(12, "0")}`, 0, (frame) => {
        delivered += frame.messages?.length ?? 0;
        if (delivered >= people * each) resolve();
      })
    ),
  );
  const start = performance.now();
  for (let n = 0; n < each; n++) {
    for (const socket of sockets) {
      socket.send(
        JSON.stringify({ kind: "send", clientId: crypto.randomUUID(), body: `Message ${n}` }),
      );
    }
  }
  await promise;
  const seconds = (performance.now() - start) / 1000;
  sockets.forEach((socket) => socket.close());
  return {
    what: `${people} sessions at once, ${each} messages each: durable, authorized and delivered`,
    ours: `${Math.round(people * each / seconds)} messages/s`,
  };
}

async function catchUp(app: TestApp): Promise<Row> {
  await fill(app, SESSIONS.oscars, USERS.oscar, 1000);
  const ms = await each(
    20,
    async () => (await open(app, tokenOf("oscar"), SESSIONS.oscars, 0, () => {})).close(),
  );
  return { what: "Catch-up of 1,000 messages, from opening the socket to ready", ours: spread(ms) };
}

async function clientBytes(app: TestApp): Promise<Row> {
  const page = await (await app.as("olive").get(`/chat/${SESSIONS.olives}`)).text();
  const seen = new Map<string, number>();
  async function load(url: string) {
    if (seen.has(url)) return;
    seen.set(url, 0);
    const text = await (await fetch(url)).text();
    const zipped = new Response(
      new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
    );
    seen.set(url, (await zipped.arrayBuffer()).byteLength);
    await Promise.all(imports(text).map((path) => load(new URL(path, url).href)));
  }
  await Promise.all(imports(page).map((path) => load(new URL(path, app.origin).href)));
  const bytes = [...seen.values()].reduce((sum, size) => sum + size, 0);
  return {
    what: `JavaScript of the chat page, gzip, ${seen.size} files`,
    ours: `${(bytes / 1000).toFixed(1)} kB`,
    target: "below 40 kB",
  };
}

function imports(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?["']([./][^"']+\.js[^"']*)["']/g)].map((
    [, path],
  ) => path);
}
