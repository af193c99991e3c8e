/**
 * Connections of `npm:pg` in pipeline mode. Because a request is enqueued
 * whole, a connection carries several at once and nobody ever checks one out:
 * the next request takes the line with the least in flight.
 */
import pg from "pg";
import { Refusal } from "./refusals.ts";

/** One statement, or several without parameters. */
export type Statement = string | { text: string; values?: unknown[]; name?: string };

/** What the driver answers, as far as the door needs it. */
export interface Answer {
  command: string;
  rows: Record<string, unknown>[];
}

/** One connection. It connects when first used and is gone for good once broken. */
export class Line {
  /** Statements sent and not yet answered. */
  pending = 0;
  broken = false;
  readonly #client: pg.Client;

  constructor(url: string) {
    this.#client = new pg.Client(
      {
        connectionString: url,
        pipeline: true,
        keepAlive: true,
        connectionTimeoutMillis: 5_000,
        types: { getTypeParser },
      } as pg.ClientConfig,
    );
    this.#client.on("error", () => this.broken = true);
    this.#client.on("end", () => this.broken = true);
    this.#connected = this.#client.connect();
    this.#connected.catch(() => this.drop());
  }

  readonly #connected: Promise<unknown>;

  /** Puts a statement on the wire, behind all that were sent before. */
  async send(statement: Statement): Promise<Answer> {
    this.pending++;
    try {
      const answer = this.#client.query(statement as pg.QueryConfig);
      answer.catch(() => {}); // a failed connect rejects both; one of them is thrown
      await this.#connected;
      return await answer as unknown as Answer;
    } finally {
      this.pending--;
    }
  }

  /** Gives the connection up; what is in flight on it fails. */
  drop(): void {
    this.broken = true;
    this.#client.end().catch(() => {});
  }

  /** Closes the connection after what is in flight. */
  async end(): Promise<void> {
    this.broken = true;
    await this.#connected.catch(() => {});
    await this.#client.end().catch(() => {});
  }
}

/** A handful of lines of one login. */
class Lines {
  readonly #lines: Line[] = [];

  constructor(readonly url: string, readonly most: number) {}

  /** The line with the least in flight; a new one while all are busy and there may be more. */
  line(): Line {
    for (let i = this.#lines.length; i-- > 0;) {
      if (this.#lines[i].broken) this.#lines.splice(i, 1);
    }
    let best = this.#lines[0];
    for (const line of this.#lines) if (line.pending < best.pending) best = line;
    if ((best === undefined || best.pending > 0) && this.#lines.length < this.most) {
      this.#lines.push(best = new Line(this.url));
    }
    if (best.pending > MOST_PENDING) throw new Refusal("BUSY_");
    return best;
  }

  end(): Promise<unknown> {
    return Promise.all(this.#lines.splice(0).map((line) => line.end()));
  }
}

/** Beyond this a request would wait longer than its sender. */
const MOST_PENDING = 2_000;

const pools = new Map<string, Lines>();

/** The lines of a login, made when first asked for. `purpose` keeps kinds of traffic apart. */
export function lines(url: string, most: number, purpose = ""): Lines {
  const key = `${purpose} ${url}`;
  let pool = pools.get(key);
  if (!pool) pools.set(key, pool = new Lines(url, most));
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
