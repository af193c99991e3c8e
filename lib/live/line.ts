/**
 * The browser's line to a session: one socket that comes back by itself, asks for
 * what it missed by version, and says again what was not acknowledged. What it hears
 * goes into the timeline; it draws nothing.
 */
import type { ChangesFrame, ClientFrame, ServerFrame } from "@/lib/live/frames.ts";
import { CLOSED, TYPING_SAID_EVERY_MS } from "@/lib/live/limits.ts";
import type { Timeline } from "@/lib/live/timeline.ts";

/** What a line needs from the world; tests bring their own. */
export interface World {
  socket(path: string): WebSocket;
  fetch(path: string): Promise<Response>;
  /** Runs something later; the answer calls it off. */
  later(what: () => void, ms: number): () => void;
  random(): number;
  now(): number;
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
/** A send without an answer for so long means that the link is half dead. */
const ACK_WITHIN_MS = 10_000;
/** A socket that never opens is given up after this. */
const OPEN_WITHIN_MS = 15_000;
/** Refused for the moment only: said again after this. */
const SAY_AGAIN_MS = 2_000;
const FOR_THE_MOMENT = ["SLOWD", "BUSY_", "AWAY_"];
/** A page hidden for longer may have slept: its socket is not trusted. */
const SLEPT_MS = 60_000;

/** Close codes after which coming back is no use, and what they mean. */
const final: Record<number, "ended" | "removed" | "signed-out"> = {
  [CLOSED.ENDED]: "ended",
  [CLOSED.REMOVED]: "removed",
  [CLOSED.NOT_A_PARTICIPANT]: "removed",
  [CLOSED.SIGNED_OUT]: "signed-out",
};

export type Line = ReturnType<typeof line>;

/** Opens a session's line and keeps it open until `hangUp`. */
export function line(timeline: Timeline, world: World = browser) {
  const path = `/api/sessions/${timeline.session.peek().id}`;
  const { connection, pending, version } = timeline;
  let socket: WebSocket | null = null;
  let isReady = false;
  let tries = 0;
  let typedAt = 0;
  let hiddenAt = 0;
  const calledOff = new Map<string, () => void>();

  /** One timer of each name; a new one replaces the old. */
  function later(name: string, what: () => void, ms: number) {
    calledOff.get(name)?.();
    calledOff.set(name, world.later(() => (calledOff.delete(name), what()), ms));
  }
  function callOff(name: string) {
    calledOff.get(name)?.();
    calledOff.delete(name);
  }

  function open() {
    callOff("open");
    letGo();
    const opened = socket = world.socket(`${path}/socket?after=${version.peek()}`);
    let wasOpen = false;
    later("give up", () => opened === socket && lost(true), OPEN_WITHIN_MS);
    opened.onopen = () => wasOpen = true;
    opened.onmessage = (event) => opened === socket && hear(JSON.parse(event.data));
    opened.onclose = (event) => {
      if (opened !== socket) return;
      const end = final[event.code];
      if (end) stop(end);
      else lost(!wasOpen);
    };
  }

  function hear(frame: ServerFrame) {
    switch (frame.kind) {
      case "changes":
        take(frame);
        break;
      case "ready":
        isReady = true;
        tries = 0;
        callOff("give up");
        connection.value = "open";
        for (const { state, clientId, body } of pending.peek()) {
          if (state === "sending") put({ kind: "send", clientId, body });
        }
        expectAcks();
        break;
      case "ack":
        timeline.acknowledge(frame.clientId);
        expectAcks();
        break;
      case "refused":
        if (frame.clientId) refused(frame.clientId, frame.code, frame.words);
        break;
      case "typing":
        timeline.hearTyping(frame.userId);
        fadeLater();
        break;
    }
  }

  /** A gap is filled by asking again, from our own version. */
  function take(frame: Omit<ChangesFrame, "kind">) {
    if (timeline.apply(frame) === "gap") lost(false);
  }

  function refused(clientId: string, code: string, words: string) {
    if (FOR_THE_MOMENT.includes(code)) later("say again", sayAgain, SAY_AGAIN_MS);
    else timeline.fail(clientId, words);
    expectAcks();
  }

  function sayAgain() {
    if (!isReady) return; // `ready` says it
    for (const { state, clientId, body } of pending.peek()) {
      if (state === "sending") put({ kind: "send", clientId, body });
    }
    expectAcks();
  }

  function expectAcks() {
    const isWaiting = pending.peek().some((p) => p.state === "sending");
    if (isWaiting) later("ack", () => lost(false), ACK_WITHIN_MS);
    else callOff("ack");
  }

  function fadeLater() {
    later("fade", () => {
      timeline.fade();
      if (timeline.typing.peek().length) fadeLater();
    }, 1000);
  }

  /** The socket is gone or not to be trusted: come back, after a while that grows. */
  function lost(neverOpened: boolean) {
    letGo();
    if (connection.peek() !== "offline") connection.value = "reconnecting";
    // Half of it by chance, so that thousands do not come back at the same instant.
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries++);
    later("open", open, wait * (0.5 + world.random() / 2));
    if (neverOpened) void askWithoutSocket();
  }

  /** Where sockets do not get through (a proxy's doing), HTTP still tells what is new. */
  async function askWithoutSocket() {
    try {
      const response = await world.fetch(`${path}/messages?after=${version.peek()}`);
      if (response.status === 401) stop("signed-out");
      else if (response.status === 404) stop("removed");
      else if (response.ok && !isReady) timeline.apply(await response.json());
      if (timeline.isOver.peek() && !isReady) stop("ended");
    } catch {
      // No network either: the next try is on its way.
    }
  }

  function stop(end: "ended" | "removed" | "signed-out") {
    hangUp();
    connection.value = end;
    const words = end === "ended" ? "The session ended before this was sent." : "Not sent.";
    for (const { state, clientId } of pending.peek()) {
      if (state === "sending") timeline.fail(clientId, words);
    }
  }

  function letGo() {
    isReady = false;
    for (const name of ["give up", "ack", "say again"]) callOff(name);
    const old = socket;
    socket = null;
    old?.close();
  }

  function put(frame: ClientFrame) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  function sendPending(clientId: string, body: string) {
    typedAt = 0;
    if (!isReady) return; // `ready` says it
    put({ kind: "send", clientId, body });
    if (!calledOff.has("ack")) expectAcks();
  }

  return {
    open,
    hangUp,

    /** Shows a message and sends it, now or when the line is back. */
    send(body: string, clientId: string = crypto.randomUUID()) {
      timeline.say(clientId, body);
      sendPending(clientId, body);
    },

    /** Sends a failed message once more, under the same client id. */
    retry(clientId: string) {
      const message = pending.peek().find((p) => p.clientId === clientId);
      if (message && timeline.retry(clientId)) sendPending(clientId, message.body);
    },

    /** Tells the others that we are typing, every now and then. */
    type() {
      const now = world.now();
      if (!isReady || now - typedAt < TYPING_SAID_EVERY_MS) return;
      typedAt = now;
      put({ kind: "typing" });
    },

    /** The browser says that the network is there, or that it went away. */
    network(isThere: boolean) {
      if (isFinal()) return;
      if (!isThere) {
        letGo();
        callOff("open");
        connection.value = "offline";
      } else if (!isReady) {
        connection.value = "reconnecting";
        tries = 0;
        open();
      }
    },

    /** The page was hidden or is seen again. */
    seen(isSeen: boolean) {
      if (isFinal() || connection.peek() === "offline") return;
      const slept = hiddenAt > 0 && world.now() - hiddenAt > SLEPT_MS;
      hiddenAt = isSeen ? 0 : world.now();
      if (isSeen && (slept || !isReady)) open();
    },
  };

  function hangUp() {
    letGo();
    for (const name of [...calledOff.keys()]) callOff(name);
  }

  function isFinal() {
    return ["ended", "removed", "signed-out"].includes(connection.peek());
  }
}

const browser: World = {
  socket: (path) => new WebSocket(path),
  fetch: (path) => fetch(path, { headers: { accept: "application/json" } }),
  later(what, ms) {
    const timer = setTimeout(what, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  now: Date.now,
};
