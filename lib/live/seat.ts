/**
 * A seat on a WebSocket: what a browser says goes to SQL, what the relay says goes
 * to the browser. What is slow, too big or nonsense is shown the door.
 */
import type { Login } from "@/lib/db/door.ts";
import { refusalOf, REFUSALS } from "@/lib/db/refusals.ts";
import { type ClientFrame, readClientFrame, type ServerFrame } from "@/lib/live/frames.ts";
import { CLOSED } from "@/lib/live/limits.ts";
import { CLOSE_REASONS, type Relay, type Seat } from "@/lib/live/relay.ts";
import { sendMessage, signalTyping } from "@/lib/messages.ts";

/** Who sits down, where, and what they know already. */
export interface Sitting {
  login: Login & { proof: string };
  sessionId: string;
  after: number;
}

/**
 * So many bytes untaken, and a socket is cut off. The relay hands a slow one no more than
 * a page; beyond that only answers can pile up, to somebody who sends and never reads.
 */
const BACKLOG_LIMIT = 16_000_000;
/** The longest frame, in UTF-16 units: a message of the full length, escaped, fits well. */
const FRAME_LIMIT = 65_536;
const BAD_FRAMES_LIMIT = 3;
/** So many sends at once, and so many a second: more than people type, less than harm. */
const SENDS_AT_ONCE = 600;
const SENDS_PER_SECOND = 60;
const UNANSWERED_LIMIT = 300;
const UNEXPECTED = { code: "FAULT", words: "Something went wrong on our side. Please try again." };

/** The WebSocket handlers of one seat, for `ctx.upgrade`. */
export function seatHandlers(sitting: Sitting, relay: () => Relay) {
  let seat: Seat | undefined;
  let hears: ((data: unknown) => void) | undefined;
  return {
    open(socket: WebSocket) {
      const { sessionId, login, after } = sitting;
      hears = ear(sitting, socket);
      seat = { sessionId, proof: login.proof, version: after, isReady: false, ...mouth(socket) };
      relay().sit(seat); // first the seat, then the read: nothing falls in between
    },
    message: (_socket: WebSocket, event: MessageEvent) => hears?.(event.data),
    close: () => seat && relay().leave(seat),
    error: () => seat && relay().leave(seat),
  };
}

/** The close code for who is refused a seat, or null for what is not about who they are. */
export function turnedAwayWith(error: unknown): number | null {
  switch (refusalOf(error)?.code) {
    case "LOGIN":
      return CLOSED.SIGNED_OUT;
    case "NTFND":
      return CLOSED.NOT_A_PARTICIPANT;
    default:
      return null;
  }
}

/** The WebSocket handlers that close at once: a browser cannot read why a handshake failed. */
export function turningAway(code: number) {
  return { open: (socket: WebSocket) => socket.close(code, CLOSE_REASONS[code]) };
}

/** How the relay speaks to a socket. */
function mouth(socket: WebSocket) {
  return {
    hand(frame: string) {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > BACKLOG_LIMIT) socket.close(CLOSED.TOO_SLOW, "too slow");
      else socket.send(frame);
    },
    backlog: () => socket.bufferedAmount,
    close(code: number, reason: string) {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    },
  };
}

/** How a socket is listened to: frames in their order, one at a time. */
function ear({ login, sessionId }: Sitting, socket: WebSocket) {
  const { hand, close } = mouth(socket);
  const allowance = bucket(SENDS_AT_ONCE, SENDS_PER_SECOND);
  const typingAllowance = bucket(3, 1);
  let badFrames = 0;
  let unanswered = 0;
  let turn: Promise<void> = Promise.resolve();

  return function hear(data: unknown) {
    const isTooBig = typeof data === "string" && data.length > FRAME_LIMIT;
    if (isTooBig) return close(CLOSED.TOO_BIG, "too big");
    const frame = readClientFrame(data);
    switch (frame?.kind) {
      case "send":
        if (unanswered >= UNANSWERED_LIMIT || !allowance()) refuse("SLOWD", frame.clientId);
        else queue(frame);
        break;
      case "typing":
        // Not worth an answer, nor a word when it fails: it fades anyway.
        if (typingAllowance()) signalTyping(login, sessionId).catch(() => {});
        break;
      case "read":
      case "signal":
        break; // understood, and not acted upon yet
      default:
        refuse("BADIN");
        if (++badFrames >= BAD_FRAMES_LIMIT) close(CLOSED.BAD_FRAMES, "bad frames");
    }
  };

  function queue(frame: ClientFrame & { kind: "send" }) {
    unanswered++;
    turn = turn.then(() => send(frame)).finally(() => unanswered--);
  }

  async function send({ clientId, body }: ClientFrame & { kind: "send" }) {
    try {
      const { id, version } = await sendMessage(login, { sessionId, clientId, body });
      say({ kind: "ack", clientId, id, version });
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) console.error("socket: a send failed:", error);
      const { code, words } = refusal ?? UNEXPECTED;
      say({ kind: "refused", clientId, code, words });
    }
  }

  function refuse(code: keyof typeof REFUSALS, clientId?: string) {
    say({ kind: "refused", clientId, code, words: REFUSALS[code].words });
  }

  function say(frame: ServerFrame) {
    hand(JSON.stringify(frame));
  }
}

/** Says yes so many times at once, and so many times a second. */
function bucket(atOnce: number, perSecond: number): () => boolean {
  let left = atOnce;
  let filledAt = Date.now();
  return () => {
    const now = Date.now();
    left = Math.min(atOnce, left + (now - filledAt) / 1000 * perSecond);
    filledAt = now;
    return left >= 1 && left-- >= 1;
  };
}
