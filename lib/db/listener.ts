/** The one LISTEN connection of a process: idle listeners are what slows NOTIFY down for everybody. */
import pg from "pg";

/** What a listener tells its owner. */
export interface ListenerOptions {
  /** Connection URL of the login that listens. */
  url: string;
  channels: string[];
  onRing(channel: string, payload: string): void;
  /** LISTEN is committed: bells from now on are heard, those before may have been lost. */
  onUp?(): void;
  /** The connection broke; it is being made again. */
  onDown?(): void;
}

/** A running listener. */
export interface Listener {
  /** Whether bells are being heard right now. */
  isUp(): boolean;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** A connection that died without a word is found out by asking it something. */
const ASK_EVERY_MS = 10_000;

/** Listens until closed, reconnecting by itself with growing, jittered pauses. */
export function listener(options: ListenerOptions): Listener {
  let client: pg.Client | null = null;
  let up = false;
  let closed = false;
  let retryMs = FIRST_RETRY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;

  connect();

  async function connect() {
    const mine = client = new pg.Client({
      connectionString: options.url,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    mine.on("notification", ({ channel, payload }) => options.onRing(channel, payload ?? ""));
    mine.on("error", () => lost(mine));
    mine.on("end", () => lost(mine));
    try {
      await mine.connect();
      for (const channel of options.channels) {
        await mine.query(`listen ${mine.escapeIdentifier(channel)}`);
      }
    } catch {
      return lost(mine);
    }
    if (closed || client !== mine) return;
    up = true;
    retryMs = FIRST_RETRY_MS;
    options.onUp?.();
    timer = setTimeout(() => ask(mine), ASK_EVERY_MS);
  }

  function ask(mine: pg.Client) {
    mine.query("select 1").then(() => {
      if (!closed && client === mine) timer = setTimeout(() => ask(mine), ASK_EVERY_MS);
    }, () => lost(mine));
  }

  function lost(mine: pg.Client) {
    if (closed || client !== mine) return;
    client = null;
    clearTimeout(timer);
    mine.end().catch(() => {});
    const wasUp = up;
    up = false;
    timer = setTimeout(connect, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    if (wasUp) options.onDown?.();
  }

  return {
    isUp: () => up,
    async close() {
      closed = true;
      up = false;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
