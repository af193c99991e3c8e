/**
 * The one place that turns an error of the database into a status and words,
 * for HTTP and for the socket's `refused` frame alike.
 */

/** What each code means to whoever asked. SQL raises these; a few are TypeScript's own. */
export const REFUSALS = {
  LOGIN: { status: 401, words: "Please sign in first." }, // a page redirects to /start
  DNIED: { status: 403, words: "That is not yours to do." },
  NTFND: { status: 404, words: "We could not find that." },
  ENDED: { status: 409, words: "This session is over." },
  TAKEN: { status: 409, words: "Another mechanic was faster." },
  ALRDY: { status: 409, words: "That is already so." },
  BADIN: { status: 400, words: "Something in that was not right." },
  NPLAN: { status: 400, words: "There is no such plan." },
  TOOLG: { status: 413, words: "That is too long." },
  SLOWD: { status: 429, words: "That was a lot at once. Please wait a moment and try again." },
  SIGNT: { status: 400, words: "The signature is not right." },
  BUSY_: { status: 503, words: "We are very busy. Please try again in a moment." },
  AWAY_: { status: 503, words: "We cannot reach our database. Please try again in a moment." },
} as const;

/** A code of the table above. */
export type RefusalCode = keyof typeof REFUSALS;

/** A "no" that the person may read: its words say what to do, and nothing was changed. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;

  /** `detail` is a sentence for the person who asked, added to the code's own words. */
  constructor(readonly code: RefusalCode, readonly detail?: string, options?: ErrorOptions) {
    super(detail ? `${REFUSALS[code].words} ${detail}` : REFUSALS[code].words, options);
    this.status = REFUSALS[code].status;
  }

  /** What the person reads. */
  get words(): string {
    return this.message;
  }
}

/**
 * The refusal an error stands for, or null when it is a fault of ours. Postgres'
 * own text never gets into it: it may quote what somebody else stored.
 */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  const { code, detail } = (error ?? {}) as { code?: unknown; detail?: unknown };
  if (typeof code !== "string") return null;
  if (code in REFUSALS) {
    return new Refusal(code as RefusalCode, typeof detail === "string" ? detail : undefined, {
      cause: error,
    });
  }
  const known = NATIVE[code] ?? (AWAY.test(code) ? "AWAY_" : undefined);
  return known ? new Refusal(known, undefined, { cause: error }) : null;
}

/** Postgres' and the socket's own codes that say something about the request or the moment. */
const NATIVE: Record<string, RefusalCode> = {
  "22P02": "NTFND", // a malformed id in a URL names nothing
  "22021": "BADIN", // bytes that are not text (a NUL, broken UTF-8)
  "22P05": "BADIN", // the same, escaped in JSON
  "23505": "ALRDY",
  "40001": "BUSY_",
  "40P01": "BUSY_",
  "55P03": "BUSY_",
  "57014": "BUSY_",
  ECONNREFUSED: "AWAY_",
  ECONNRESET: "AWAY_",
  EPIPE: "AWAY_",
  ETIMEDOUT: "AWAY_",
};

/** Lost connections, exhausted resources, and a server that starts or stops. */
const AWAY = /^(08|53|57P)/;
