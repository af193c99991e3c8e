import pg from "pg";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { useEnvironment } from "@/lib/environment.ts";
import type { ServerFrame } from "@/lib/live/frames.ts";
import type { Seat } from "@/lib/live/relay.ts";
import { closeDoors } from "@/lib/db/door.ts";
import { freshDatabase, type TestDatabase } from "@/tests/support/database.ts";

/** Somebody of the cast, signed in. */
export interface Actor {
  id: string;
  name: string;
  /** What their cookie holds. */
  token: string;
  proof: string;
}

/** A database of its own in which Olive waits in a paid chat, and the environment set to it. */
export async function scene() {
  const db = await freshDatabase();
  useEnvironment({
    DATABASE_URL: db.webUrl,
    RELAY_DATABASE_URL: db.relayUrl,
    BACKSTAGE_DATABASE_URL: db.backstageUrl,
    STRIPE_SECRET_KEY: "sk_test_x",
    STRIPE_WEBHOOK_SECRET: "whsec_x",
    STRIPE_PRICE_CHAT10: "price_chat10",
    STRIPE_PRICE_VIDEO15: "price_video15",
    STRIPE_PRICE_DIAGNOSTIC: "price_diagnostic",
    PUBLIC_URL: "http://localhost:8000",
  });
  const inside = await sceneIn(db);
  return {
    ...inside,
    async [Symbol.asyncDispose]() {
      await inside[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** The same in a database that is there already, with a new cast. */
export async function sceneIn(db: TestDatabase) {
  const admin = new pg.Client({ connectionString: db.adminUrl });
  const dba = new pg.Client({ connectionString: db.dbaUrl });
  await Promise.all([admin.connect(), dba.connect()]);

  async function actor(name: string, role: string): Promise<Actor> {
    const { rows: [{ id }] } = await admin.query(
      "insert into auth.users (email, name, role) values ($1, $2, $3) returning id",
      [`${name.toLowerCase()}.${randomUUID()}@example.com`, name, role],
    );
    return { id, name, ...await signIn(id) };
  }

  /** Another browser of a user. */
  async function signIn(userId: string) {
    const token = randomBytes(32).toString("base64url");
    const proof = createHash("sha256").update(token).digest("hex");
    await admin.query(
      "insert into auth.logins (proof_hash, user_id) values (sha256(convert_to($1, 'UTF8')), $2)",
      [proof, userId],
    );
    return { token, proof };
  }

  async function chat(customer: Actor): Promise<string> {
    const { rows: [{ id }] } = await admin.query(
      `insert into app.sessions (type, plan, status, length_minutes)
       values ('chat', 'chat10', 'waiting', 10) returning id`,
    );
    await seat(id, customer, "customer");
    return id;
  }

  /** The setup guide's statement, as the DBA types it. */
  async function seat(sessionId: string, who: Actor, role: string) {
    await dba.query(
      "INSERT INTO session_participants (session_id, user_id, role) VALUES ($1, $2, $3)",
      [sessionId, who.id, role],
    );
  }

  async function unseat(sessionId: string, who: Actor) {
    await dba.query("delete from session_participants where session_id = $1 and user_id = $2", [
      sessionId,
      who.id,
    ]);
  }

  /** Something said by a plain statement, past the app. */
  async function insertMessage(sessionId: string, who: Actor, body: string, times = 1) {
    await dba.query(
      `insert into chat_messages (session_id, sender_id, client_id, body)
       select $1, $2, gen_random_uuid(), $3 || case when $4 > 1 then ' ' || n else '' end
       from generate_series(1, $4::int) n`,
      [sessionId, who.id, body, times],
    );
  }

  /** Ends the connections that LISTEN, as an operator or a fault would. */
  async function killListeners(): Promise<number> {
    const { rowCount } = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = 'wrenchline_relay' and datname = current_database()
         and (query ilike 'listen%' or query = 'select 1')`,
    );
    return rowCount ?? 0;
  }

  /** Ends every connection of the relays. */
  async function killRelays(): Promise<void> {
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = 'wrenchline_relay' and datname = current_database()`,
    );
  }

  const olive = await actor("Olive", "customer");
  const marco = await actor("Marco", "mechanic");
  const nadia = await actor("Nadia", "mechanic");
  const sessionId = await chat(olive);

  return {
    db,
    admin,
    dba,
    olive,
    marco,
    nadia,
    sessionId,
    actor,
    signIn,
    chat,
    seat,
    unseat,
    insertMessage,
    killListeners,
    killRelays,
    async [Symbol.asyncDispose]() {
      await closeDoors();
      await Promise.all([admin.end(), dba.end()]);
    },
  };
}

export type Scene = Awaited<ReturnType<typeof sceneIn>>;

const PATIENCE_MS = 20_000;

/** What a seat or a socket gets to hear, to be waited for frame by frame. */
export class Ear {
  readonly heard: (ServerFrame | { kind: "closed"; code: number })[] = [];
  #read = 0;
  #wake?: () => void;

  take(frame: ServerFrame | { kind: "closed"; code: number }) {
    this.heard.push(frame);
    this.#wake?.();
  }

  /** The next frame that was not yet read, whatever it is. */
  async next() {
    while (this.#read >= this.heard.length) await this.#something();
    return this.heard[this.#read++];
  }

  /** Something new; failing, rather than hanging, when nothing comes. */
  async #something() {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((wake, fail) => {
        this.#wake = wake;
        const silence = () => fail(new Error(`silence after ${JSON.stringify(this.heard.at(-1))}`));
        timer = setTimeout(silence, PATIENCE_MS);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads on until a frame of a kind. */
  async until<K extends ServerFrame["kind"] | "closed">(kind: K) {
    for (;;) {
      const frame = await this.next();
      if (frame.kind === kind) return frame as Extract<typeof frame, { kind: K }>;
      if (frame.kind === "closed") throw new Error(`closed with ${frame.code}, not ${kind}`);
    }
  }

  /** Reads on until a message says so. */
  async untilSaid(body: string) {
    for (;;) {
      const frame = await this.until("changes");
      if (frame.messages?.some((message) => message.body === body)) return frame;
    }
  }

  /** Every message heard, in order. */
  get bodies(): string[] {
    return this.heard.flatMap((f) =>
      f.kind === "changes" ? (f.messages ?? []).map((m) => m.body) : []
    );
  }

  /** Fails unless every frame begins where the one before ended. */
  assertGapless(from: number) {
    let at = from;
    for (const frame of this.heard) {
      if (frame.kind !== "changes") continue;
      if (frame.from !== at) throw new Error(`a frame from ${frame.from} at version ${at}`);
      at = frame.to;
    }
  }
}

/** A seat without a socket. */
export class Chair extends Ear implements Seat {
  isReady = false;
  constructor(readonly sessionId: string, readonly proof: string, public version = 0) {
    super();
  }
  /** As a socket would count it. */
  untaken = 0;
  backlog() {
    return this.untaken;
  }
  hand(frame: string) {
    this.take(JSON.parse(frame));
  }
  close(code: number) {
    this.take({ kind: "closed", code });
  }
}

/** A client id, as browsers make them. */
export const clientId = () => randomUUID();

/** A browser's socket, waited for frame by frame. */
export class Wire extends Ear {
  readonly socket: WebSocket;

  constructor(origin: string, sessionId: string, { token, after = 0, headers = {} }: {
    token?: string;
    after?: number | string;
    headers?: Record<string, string>;
  }) {
    super();
    const url = `${origin.replace("http", "ws")}/api/sessions/${sessionId}/socket?after=${after}`;
    const cookie: Record<string, string> = token ? { cookie: `login=${token}` } : {};
    // Deno's WebSocket takes headers; the DOM's types do not know of it.
    const options = { headers: { origin, ...cookie, ...headers } } as unknown as string[];
    this.socket = new WebSocket(url, options);
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = (event) => this.take({ kind: "closed", code: event.code });
  }

  say(frame: unknown) {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Hangs up, and waits until that is done. */
  async [Symbol.asyncDispose]() {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const isClosed = new Promise((done) => this.socket.addEventListener("close", done));
    this.socket.close();
    await isClosed;
  }
}
