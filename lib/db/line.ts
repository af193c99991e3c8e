/**
 * Connections of `npm:pg` in pipeline mode. Because a request is enqueued
 * whole, a connection carries several at once and nobody ever checks one out:
 * the next request takes the line with the least in flight.
 */
import { Socket } from "node:net";
import pg from "pg";
import { Refusal } from "./refusals.ts";

/** One statement, or as a bare string several without parameters. */
export type Statement =
  | string
  | { text: string; values?: unknown[]; name?: string; queryMode?: "extended" };

/** What the driver answers, as far as the door needs it. */
export interface Answer {
  command: string;
  rows: Record<string, unknown>[];
}

/** One connection. It connects when made, and is gone for good once it broke or was ended. */
export class Line {
  /** Statements sent and not yet answered. */
  pending = 0;
  /** It takes no more requests. */
  isClosed = false;
  /** Settles when the connection is no more. */
  readonly gone: Promise<void>;
  readonly #client: pg.Client;
  readonly #socket = new Socket();
  readonly #patienceMs: number;
  #lostTo: unknown;
  #heardAt = 0;
  #watch: ReturnType<typeof setTimeout> | undefined;

  /** `patienceMs` is for how long the server may say nothing while it owes an answer. */
  constructor(url: string, patienceMs: number) {
    this.#patienceMs = patienceMs;
    this.#client = new pg.Client(
      {
        connectionString: url,
        pipeline: true,
        keepAlive: true,
        connectionTimeoutMillis: 5_000,
        stream: () => this.#socket,
        types: { getTypeParser },
      } as pg.ClientConfig,
    );
    this.#client.on("error", (error) => this.#lose(error));
    this.gone = new Promise((settle) =>
      this.#client.on("end", () => {
        this.#lose(new Error("The connection was closed"));
        clearTimeout(this.#watch);
        settle();
      })
    );
    this.#client.connect().catch((error) => this.#lose(error));
  }

  /** Puts a statement on the wire, behind all that were sent before. Throws AWAY_ when the line breaks. */
  async send(statement: Statement): Promise<Answer> {
    if (this.pending++ === 0) this.#heardAt = performance.now();
    this.#watch ??= setTimeout(() => this.#lookAfter(), this.#patienceMs);
    try {
      return await this.#client.query(statement as pg.QueryConfig) as unknown as Answer;
    } catch (error) {
      if (this.#lostTo === undefined || error instanceof pg.DatabaseError) throw error;
      throw new Refusal("AWAY_", undefined, { cause: this.#lostTo });
    } finally {
      this.pending--;
      this.#heardAt = performance.now();
    }
  }

  /** Closes the connection after what is in flight on it. */
  async end(): Promise<void> {
    if (!this.isClosed) {
      this.isClosed = true;
      this.#client.end().catch(() => {});
    }
    await this.gone;
  }

  #lose(why: unknown): void {
    this.#lostTo ??= why;
    this.isClosed = true;
    this.#socket.destroy();
  }

  /** A server that vanished without hanging up would keep whoever asked waiting for ever. */
  #lookAfter(): void {
    this.#watch = undefined;
    if (this.pending === 0) return;
    const left = this.#heardAt + this.#patienceMs - performance.now();
    if (left > 0) this.#watch = setTimeout(() => this.#lookAfter(), left);
    else this.#socket.destroy(new Error("The database fell silent"));
  }
}

/** How the lines of a login are kept. */
export interface LinesOptions {
  /** How many there may be. */
  most: number;
  /** For how long an answer may be owed: longer than the login's statement timeout. */
  patienceMs: number;
  /** Keeps kinds of traffic apart. */
  purpose?: string;
}

/** A handful of lines of one login. */
class Lines {
  readonly #lines = new Set<Line>();

  constructor(readonly url: string, readonly options: LinesOptions) {}

  /** The line with the least in flight; a new one while all are busy and there may be more. */
  line(): Line {
    let best: Line | undefined;
    let open = 0;
    for (const line of this.#lines) {
      if (line.isClosed) continue;
      open++;
      if (best === undefined || line.pending < best.pending) best = line;
    }
    if (best === undefined || (best.pending > 0 && open < this.options.most)) best = this.#open();
    if (best.pending > MOST_PENDING) throw new Refusal("BUSY_");
    return best;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#lines].map((line) => line.end()));
  }

  #open(): Line {
    const line = new Line(this.url, this.options.patienceMs);
    this.#lines.add(line);
    line.gone.then(() => this.#lines.delete(line));
    return line;
  }
}

/** Beyond this a request would wait longer than its sender. */
const MOST_PENDING = 2_000;

const pools = new Map<string, Lines>();

/** The lines of a login, made when first asked for. */
export function lines(url: string, options: LinesOptions): Lines {
  const key = `${options.purpose ?? ""} ${url}`;
  let pool = pools.get(key);
  if (!pool) pools.set(key, pool = new Lines(url, options));
  return pool;
}

/** Closes every connection, each after what is in flight on it. */
export async function closeLines(): Promise<void> {
  const all = [...pools.values()];
  pools.clear();
  await Promise.all(all.map((pool) => pool.end()));
}

/** Versions and counts are far below 2^53: a number, not the driver's string. */
function getTypeParser(oid: number, format?: "text" | "binary") {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as "text");
}
