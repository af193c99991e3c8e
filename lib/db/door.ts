/**
 * The door to the database. A request becomes one pipelined round trip: begin,
 * who is asking, the calls, commit, and everything reset for whoever comes
 * next. TypeScript never says which role a request has; `auth.role_for_proof`
 * does, inside the transaction it is for.
 */
import { environment } from "../environment.ts";
import { closeLines, Line, lines } from "./line.ts";
import { Refusal, refusalOf } from "./refusals.ts";

/** Who asks, as far as a cookie can tell. The proof is sha256 of the cookie in hex; null is a visitor. */
export interface Login {
  readonly proof: string | null;
}

/**
 * Enqueues one statement: a tagged template whose values become parameters.
 * All statements of a request are enqueued before the first is awaited.
 */
export type Tx = <Row extends object = Record<string, unknown>>(
  strings: TemplateStringsArray,
  ...values: unknown[]
) => Promise<Row[]>;

/** Asks as `login`, in a READ ONLY transaction. Throws a `Refusal` for what SQL refuses. */
export function reading<T>(login: Login, ask: (tx: Tx) => Promise<T>): Promise<T> {
  const passage: Passage = { begin: "begin read only", proof: login.proof ?? "" };
  return passing(webLines(login, "reads"), passage, ask);
}

/**
 * Asks as `login` and commits. `rings` names the session that changes: its bell
 * is then rung after the commit rather than inside it, where it would hold a
 * lock on the whole server until the flush.
 */
export function writing<T>(
  login: Login,
  ask: (tx: Tx) => Promise<T>,
  { rings }: { rings?: string } = {},
): Promise<T> {
  const passage: Passage = { begin: "begin", proof: login.proof ?? "", rings };
  const write = () => passing(webLines(login, "writes"), passage, ask);
  return rings === undefined ? write() : inTurn(rings, write);
}

/** Asks as the backstage login: fulfilment from Stripe's API, jobs, clocks. Never for a user. */
export function backstage<T>(ask: (tx: Tx) => Promise<T>): Promise<T> {
  const { backstageDatabaseUrl } = environment();
  return passing(
    lines(backstageDatabaseUrl, { most: 2, patienceMs: 40_000 }),
    { begin: "begin" },
    ask,
  );
}

/** Asks as the relay's login, one statement that stands alone. */
export async function relaying<T>(ask: (tx: Tx) => Promise<T>): Promise<T> {
  const { relayDatabaseUrl } = environment();
  try {
    return await enqueueing(lines(relayDatabaseUrl, { most: 2, patienceMs: 20_000 }).line(), ask)
      .answer;
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

/** Closes every connection, each after what was asked before. */
export async function closeDoors(): Promise<void> {
  await Promise.allSettled(turns.values());
  await closeLines();
}

interface Passage {
  begin: "begin" | "begin read only";
  /** Present for a request of the web; the empty string is a visitor's. */
  proof?: string;
  rings?: string;
}

/**
 * Visitors have connections of their own, so that their number cannot starve those who
 * paid; and so have writes, because they may wait for a lock and a page must not.
 */
function webLines(login: Login, kind: "reads" | "writes") {
  const who = login.proof === null ? "visitors" : "members";
  const most = who === "visitors" ? 3 : 4;
  return lines(environment().databaseUrl, { most, patienceMs: 15_000, purpose: `${who}' ${kind}` });
}

const LONGEST_TURN_MS = 10_000;

const turns = new Map<string, Promise<unknown>>();

/**
 * Writes to one session wait for each other anyway, for its counter. Doing it here keeps
 * a session that somebody holds locked from taking every connection with it. Who has
 * waited too long is told so instead, and the queue is gone with the patience of its last.
 */
function inTurn<T>(sessionId: string, write: () => Promise<T>): Promise<T> {
  const since = performance.now();
  const inTime = () => {
    if (performance.now() - since > LONGEST_TURN_MS) throw new Refusal("BUSY_");
    return write();
  };
  const before = turns.get(sessionId);
  const mine = before ? before.then(inTime, inTime) : write();
  turns.set(sessionId, mine);
  const leave = () => turns.get(sessionId) === mine && turns.delete(sessionId);
  mine.then(leave, leave);
  return mine;
}

async function passing<T>(
  pool: ReturnType<typeof lines>,
  passage: Passage,
  ask: (tx: Tx) => Promise<T>,
): Promise<T> {
  const line = pool.line();
  const before = [line.send(passage.begin)];
  if (passage.proof !== undefined) {
    before.push(line.send({
      name: "who",
      text: WHO,
      values: [passage.proof, passage.rings === undefined ? "off" : "on"],
    }));
  }
  const { answer, isWhole, failures } = enqueueing(line, ask);
  const ended = line.send(isWhole ? "commit" : "rollback");
  if (passage.rings !== undefined) {
    // api.heads finds a ring that is lost; one for a transaction that failed is harmless.
    line.send({
      name: "ring",
      text: "select pg_notify('session_changed', $1)",
      values: [passage.rings],
    })
      .catch(() => {});
  }
  // What an injected set_config(..., false) left behind must not meet the next request.
  line.send("reset role; reset all").catch(() => line.end());

  const [who, said, end] = await Promise.allSettled([Promise.all(before), answer, ended]);
  if (who.status === "rejected") line.end();
  for (const step of [who, said, end]) {
    if (step.status === "fulfilled") continue;
    // Every statement after the one that failed fails too, and says nothing but that.
    const reason = step.reason?.code === "25P02" ? failures[0] : step.reason;
    throw refusalOf(reason) ?? reason;
  }
  // The commit of a failed transaction succeeds, and answers ROLLBACK.
  if ((end as PromiseFulfilledResult<{ command: string }>).value.command !== "COMMIT") {
    throw new Error("A statement failed and nobody looked: all of it was rolled back", {
      cause: failures[0],
    });
  }
  return (said as PromiseFulfilledResult<T>).value;
}

/** Every setting that says who somebody is, each time and for this transaction only. */
const WHO = `select
  set_config('role', auth.role_for_proof($1), true),
  set_config('app.proof', $1, true),
  set_config('app.rings_itself', $2, true),
  set_config('search_path', '', true),
  set_config('statement_timeout', '10s', true),
  set_config('lock_timeout', '3s', true),
  set_config('synchronous_commit', 'on', true)`;

/** What `ask` put on the wire. */
interface Enqueued<T> {
  answer: Promise<T>;
  /** False when `ask` threw half way. */
  isWhole: boolean;
  /** What was refused, in order; filled as the answers come. */
  failures: unknown[];
}

/** Runs `ask` with a `tx` that works only until `ask` first lets go: later statements would be outside the transaction. */
function enqueueing<T>(line: Line, ask: (tx: Tx) => Promise<T>): Enqueued<T> {
  const failures: unknown[] = [];
  let isOpen = true;
  const tx: Tx = <Row>(strings: TemplateStringsArray, ...values: unknown[]) => {
    if (!isOpen) {
      throw new Error(
        "A statement came after the request was sent: enqueue all before awaiting one",
      );
    }
    const text = strings.reduce((text, string, i) => `${text}$${i}${string}`);
    if (!QUERY.test(text)) throw new Error(`The door carries queries only, not: ${text}`);
    // The extended protocol takes one statement, also where there are no values.
    const rows = line.send({ text, values, queryMode: "extended" })
      .then((result) => result.rows as Row[]);
    rows.catch((error) => failures.push(error)); // whoever awaits it still sees it
    return rows;
  };
  try {
    return { answer: ask(tx), isWhole: true, failures };
  } catch (error) {
    return { answer: Promise.reject(error), isWhole: false, failures };
  } finally {
    isOpen = false;
  }
}

/** Other statements could outlive the reset: a login may change its own settings, and prepare our names. */
const QUERY = /^\s*(select|insert|update|delete|with)\b/i;

/** Whether the web login answers: for /healthz. Throws what is wrong. */
export async function knock(): Promise<void> {
  await reading({ proof: null }, (tx) => tx`select 1`);
}

export { Refusal };
