/**
 * The relay: one per process. It turns the database's bells into socket frames.
 *
 * Bells are collected while a read runs and answered together by one `api.deliver`,
 * which says in one snapshot what changed and which seats may still hear it. A new
 * seat, a seat that fell behind and a seat that was rung for are all the same thing:
 * a seat to be read for, from its own version.
 */
import { listener } from "@/lib/db/listener.ts";
import { relaying } from "@/lib/db/door.ts";
import { environment } from "@/lib/environment.ts";
import { type ServerFrame, signalRing } from "@/lib/live/frames.ts";
import { CLOSED } from "@/lib/live/limits.ts";

/** One open socket, as far as the relay is concerned. */
export interface Seat {
  readonly sessionId: string;
  readonly proof: string;
  /** Up to where it was told. Only the relay moves it. */
  version: number;
  /** It was told everything there was when it sat down. */
  isReady: boolean;
  /** Gives it a frame, already serialized. */
  hand(frame: string): void;
  /** How many bytes it was handed and did not take yet. */
  backlog(): number;
  close(code: number, reason: string): void;
}

/** One question to `api.deliver`. */
export interface Ask {
  session: string;
  after: number;
  proofs: string[];
}

/** Its answer: what changed, who may hear of it, and who may not any more. */
export interface Told {
  session: string;
  from: number;
  to: number;
  /** There is more than one page: ask again from `to`. */
  more: boolean;
  /** The session ended or was refunded: nothing will be said there any more. */
  isOver: boolean;
  mayHear: string[];
  refused: { proof: string; code: number }[];
  changes: Record<string, unknown>;
}

/** What a relay needs from the database. */
export interface Source {
  deliver(asks: Ask[]): Promise<Told[]>;
  heads(sessionIds: string[]): Promise<{ session_id: string; version: number }[]>;
  /** Listens until closed; `onUp` after each time that listening began. */
  listen(ears: {
    onRing(channel: string, payload: string): void;
    onUp(): void;
    onDown?(): void;
  }): { close(): Promise<void> };
}

export interface Relay {
  /** Takes a seat in; it is caught up, told `ready`, and kept up to date. */
  sit(seat: Seat): void;
  leave(seat: Seat): void;
  /** Resolves while bells are heard, or as soon as they are again. */
  listening(): Promise<void>;
  /** Closes every seat and stops listening. */
  drain(): Promise<void>;
}

/** How often lost bells are looked for. */
const BACKSTOP_MS = 5_000;
/** A session is asked about at least this often, so that an expired login is found out. */
const ASK_ANYWAY_MS = 60_000;
/** The most questions in one call: a storm of returning seats is read in portions. */
const ASKS_AT_ONCE = 200;
const LONGEST_WAIT_MS = 5_000;
/** With so many bytes untaken a seat is handed nothing more until it took them. */
const FULL_BYTES = 1_000_000;
const LOOK_AT_FULL_MS = 50;
/** A full seat that takes nothing for so long is cut off; it catches up when it returns. */
const STUCK_MS = 10_000;

/** Opens a relay on a source, by default this process's database. */
export function openRelay(
  source: Source = database,
  { backstopMs = BACKSTOP_MS, stuckMs = STUCK_MS } = {},
): Relay {
  const seats = new Map<string, Set<Seat>>();
  const askedAt = new Map<string, number>();
  let rung = new Set<Seat>();
  let listening = Promise.withResolvers<void>();
  let isReading = false;
  let isDrained = false;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const full = new Map<Seat, { backlog: number; since: number }>();
  let lookAtFull: ReturnType<typeof setTimeout> | undefined;

  const ears = source.listen({
    onRing(channel, payload) {
      if (channel === "session_signal") passOn(payload);
      else ring(payload);
    },
    onUp() {
      listening.resolve();
      // While nobody listened anything may have happened.
      clearTimeout(retry);
      retry = undefined;
      ringAll();
    },
    onDown() {
      listening = Promise.withResolvers();
    },
  });
  const backstop = setInterval(() => void findLostBells(), backstopMs);

  function ring(sessionId: string) {
    for (const seat of seats.get(sessionId) ?? []) rung.add(seat);
    answer();
  }

  function ringAll() {
    for (const there of seats.values()) for (const seat of there) rung.add(seat);
    answer();
  }

  /** Reads for all who were rung for, until nobody is left. */
  async function answer() {
    if (isReading || retry || isDrained) return;
    isReading = true;
    while (rung.size && !isDrained) {
      const { asks, askers } = takeAsks();
      if (!asks.length) break;
      try {
        const told = await source.deliver(asks);
        failures = 0;
        told.forEach((answer, n) => tell(answer, askers[n]));
      } catch (error) {
        askers.flat().forEach((seat) => isSeated(seat) && rung.add(seat));
        comeBackLater(error);
        break;
      }
    }
    isReading = false;
  }

  /** Seats of one session that know equally much share a question, and its answer. */
  function takeAsks() {
    const groups = new Map<string, Seat[]>();
    const left = new Set<Seat>();
    for (const seat of rung) {
      if (isFull(seat)) continue;
      const key = `${seat.sessionId} ${seat.version}`;
      const group = groups.get(key);
      if (group) group.push(seat);
      else if (groups.size < ASKS_AT_ONCE) groups.set(key, [seat]);
      else left.add(seat);
    }
    rung = left;

    const askers = [...groups.values()];
    const asks = askers.map(([first, ...others]) => {
      askedAt.set(first.sessionId, Date.now());
      return {
        session: first.sessionId,
        after: first.version,
        proofs: [...new Set([first, ...others].map((seat) => seat.proof))],
      };
    });
    return { asks, askers };
  }

  function tell(told: Told, askers: Seat[]) {
    const mayHear = new Set(told.mayHear);
    const refused = new Map(told.refused.map(({ proof, code }) => [proof, code]));
    const isNews = told.to > told.from;
    const frame = isNews
      ? JSON.stringify({ kind: "changes", from: told.from, to: told.to, ...told.changes })
      : "";

    for (const seat of askers) {
      if (!isSeated(seat)) {
        continue; // it left while we read
      } else if (!mayHear.has(seat.proof)) {
        dismiss(seat, refused.get(seat.proof) ?? CLOSED.NOT_A_PARTICIPANT);
      } else if (isNews && isFull(seat)) {
        continue; // it filled up while we read, and is read for again
      } else {
        if (isNews) {
          seat.version = told.to;
          seat.hand(frame);
        }
        if (told.more) {
          rung.add(seat);
        } else {
          if (!seat.isReady) {
            seat.isReady = true;
            seat.hand(JSON.stringify({ kind: "ready", version: seat.version } as ServerFrame));
          }
          if (told.isOver) dismiss(seat, CLOSED.ENDED);
        }
      }
    }
  }

  /** A slow seat misses nothing: what it was not handed is read for it later. */
  function isFull(seat: Seat): boolean {
    const backlog = seat.backlog();
    if (backlog <= FULL_BYTES) return false;
    if (!full.has(seat)) full.set(seat, { backlog, since: Date.now() });
    lookAtFull ??= setTimeout(findEmptied, LOOK_AT_FULL_MS);
    return true;
  }

  function findEmptied() {
    lookAtFull = undefined;
    for (const [seat, before] of full) {
      const backlog = seat.backlog();
      if (backlog <= FULL_BYTES) {
        full.delete(seat);
        rung.add(seat);
      } else if (backlog < before.backlog) {
        full.set(seat, { backlog, since: Date.now() });
      } else if (Date.now() - before.since > stuckMs) {
        dismiss(seat, CLOSED.TOO_SLOW);
      }
    }
    if (full.size) lookAtFull ??= setTimeout(findEmptied, LOOK_AT_FULL_MS);
    answer();
  }

  function dismiss(seat: Seat, code: number) {
    leave(seat);
    seat.close(code, CLOSE_REASONS[code] ?? "");
  }

  function comeBackLater(error: unknown) {
    const wait = Math.min(LONGEST_WAIT_MS, 100 * 2 ** failures);
    if (failures++ === 0) console.warn("relay: could not read, will try again:", error);
    retry = setTimeout(() => {
      retry = undefined;
      answer();
    }, wait);
  }

  /** A typing line, handed on as it is: whom it names is for the browser to know or not. */
  function passOn(payload: string) {
    const signal = readSignal(payload);
    const there = signal && seats.get(signal.session);
    if (!there) return;
    const frame = JSON.stringify({ kind: signal.kind, userId: signal.from } as ServerFrame);
    for (const seat of there) if (seat.isReady && !full.has(seat)) seat.hand(frame);
  }

  /** A bell may be lost between a commit and its notify. */
  async function findLostBells() {
    if (!seats.size || isReading || retry || isDrained) return;
    const longAgo = Date.now() - ASK_ANYWAY_MS;
    for (const [sessionId, at] of askedAt) if (at < longAgo) ring(sessionId);
    try {
      for (const { session_id, version } of await source.heads([...seats.keys()])) {
        for (const seat of seats.get(session_id) ?? []) if (seat.version < version) rung.add(seat);
      }
      answer();
    } catch {
      // The next round, or the listener's return, makes up for it.
    }
  }

  function isSeated(seat: Seat): boolean {
    return seats.get(seat.sessionId)?.has(seat) ?? false;
  }

  function sit(seat: Seat) {
    if (isDrained) return seat.close(CLOSED.RESTARTING, CLOSE_REASONS[CLOSED.RESTARTING]);
    const there = seats.get(seat.sessionId) ?? new Set();
    seats.set(seat.sessionId, there.add(seat));
    rung.add(seat);
    answer();
  }

  function leave(seat: Seat) {
    const there = seats.get(seat.sessionId);
    there?.delete(seat);
    rung.delete(seat);
    full.delete(seat);
    if (there && !there.size) {
      seats.delete(seat.sessionId);
      askedAt.delete(seat.sessionId);
    }
  }

  async function drain() {
    isDrained = true;
    clearInterval(backstop);
    clearTimeout(retry);
    clearTimeout(lookAtFull);
    for (const there of [...seats.values()]) {
      for (const seat of [...there]) dismiss(seat, CLOSED.RESTARTING);
    }
    await ears.close();
  }

  return { sit, leave, listening: () => listening.promise, drain };
}

/** What a close code says to whoever looks at the wire. */
export const CLOSE_REASONS: Record<number, string> = {
  [CLOSED.SIGNED_OUT]: "signed out",
  [CLOSED.REMOVED]: "removed",
  [CLOSED.NOT_A_PARTICIPANT]: "not a participant",
  [CLOSED.TOO_SLOW]: "too slow",
  [CLOSED.ENDED]: "session ended",
  [CLOSED.RESTARTING]: "server restarting",
};

function readSignal(payload: string) {
  try {
    return signalRing.parse(JSON.parse(payload));
  } catch {
    return null; // spoofed, or a kind from a newer release
  }
}

const database: Source = {
  async deliver(asks) {
    const [{ told }] = await relaying((tx) =>
      tx<{ told: Told[] }>`select api.deliver(${JSON.stringify(asks)}::jsonb) as told`
    );
    return told;
  },
  heads: (sessionIds) =>
    relaying((tx) =>
      tx<{ session_id: string; version: number }>`
        select session_id, version from api.heads(${sessionIds}::uuid[])`
    ),
  listen: (ears) =>
    listener({
      url: environment().relayDatabaseUrl,
      channels: ["session_changed", "session_signal"],
      ...ears,
    }),
};

let ours: Relay | undefined;

/** This process's relay, opened with its first seat or the first look at its health. */
export function relay(): Relay {
  return ours ??= openRelay();
}

/** Closes this process's seats with 1012 and stops its relay, if it has one. */
export async function drain(): Promise<void> {
  await ours?.drain();
  ours = undefined;
}
