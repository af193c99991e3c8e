/**
 * What one browser knows of a session: signals, and the rules by which frames
 * change them. No network and no DOM, so that tests drive it without a browser.
 */
import { computed, signal } from "@preact/signals";
import type { ChangesFrame, MessageView, ParticipantView, SessionView } from "@/lib/live/frames.ts";
import { TYPING_FADES_MS } from "@/lib/live/limits.ts";

/** What the page was rendered from. */
export interface Opening {
  session: SessionView;
  participants: ParticipantView[];
  messages: MessageView[];
  version: number;
  viewerId: string;
  /** Null for a dispatcher who looks in without a seat. */
  viewerRole: ParticipantView["role"] | null;
}

/** A message of ours that the timeline does not hold yet. */
export interface Pending {
  clientId: string;
  body: string;
  createdAt: string;
  state: "sending" | "sent" | "failed";
  /** Why it failed, for people. */
  words?: string;
}

/** `closed` ones do not come back by themselves. */
export type Connection =
  | "connecting"
  | "open"
  | "reconnecting"
  | "offline"
  | "ended"
  | "removed"
  | "signed-out";

export type Timeline = ReturnType<typeof timeline>;

/** A session's signals, begun from what the server rendered. */
export function timeline(opening: Opening, now: () => number = Date.now) {
  const { viewerId, viewerRole } = opening;
  const messages = signal(opening.messages);
  const participants = signal(opening.participants);
  const session = signal(opening.session);
  const version = signal(opening.version);
  const connection = signal<Connection>("connecting");
  const pending = signal<Pending[]>([]);
  const typists = signal<{ userId: string; until: number }[]>([]);
  const unannounced = signal<MessageView[]>([]);

  const isOver = computed(() => overStatuses.includes(session.value.status));
  /** What this page knows of who is there is no longer kept up to date. */
  const isOut = computed(() => connection.value === "removed" || connection.value === "signed-out");
  const maySend = computed(() =>
    !isOver.value && !isOut.value && (viewerRole === "customer" || viewerRole === "mechanic")
  );
  const status = computed(() =>
    isOut.value ? "Not connected" : statusWords(isOver.value, participants.value)
  );
  const typing = computed(() =>
    participants.value.filter((p) => typists.value.some((t) => t.userId === p.userId))
  );

  /**
   * Takes in what changed. `stale` was known already; a `gap` means that something
   * in between is missing, and the caller asks again from our own version.
   */
  function apply(frame: Omit<ChangesFrame, "kind">): "applied" | "stale" | "gap" {
    if (frame.from !== version.value) return frame.to <= version.value ? "stale" : "gap";
    if (frame.session) session.value = frame.session;
    if (frame.participants) participants.value = frame.participants;
    if (frame.messages?.length) hear(frame.messages);
    version.value = frame.to;
    return "applied";
  }

  function hear(news: MessageView[]) {
    const known = new Set(messages.peek().map((message) => message.id));
    const added = news.filter((message) => !known.has(message.id));
    const newer = new Map(news.map((message) => [message.id, message]));
    messages.value = [...messages.peek().map((m) => newer.get(m.id) ?? m), ...added];

    const own = new Set(news.filter((m) => m.senderId === viewerId).map((m) => m.clientId));
    if (own.size) pending.value = pending.peek().filter((p) => !own.has(p.clientId));

    const others = added.filter((message) => message.senderId !== viewerId);
    const senders = new Set(others.map((message) => message.senderId));
    if (others.length) {
      typists.value = typists.peek().filter((t) => !senders.has(t.userId));
      unannounced.value = [...unannounced.peek(), ...others];
    }
  }

  /** What a screen reader is to say of the new messages from others, which is then said. */
  function announce(): string {
    const news = unannounced.peek();
    unannounced.value = [];
    return news.length > 3
      ? `${news.length} new messages`
      : news.map((message) => `${message.senderName}: ${message.body}`).join("\n");
  }

  /** Shows a message at once, as being sent. */
  function say(clientId: string, body: string) {
    const createdAt = new Date(now()).toISOString();
    pending.value = [...pending.peek(), { clientId, body, createdAt, state: "sending" }];
  }

  /** It is stored. The message itself comes, or came, with the changes. */
  function acknowledge(clientId: string) {
    settle(clientId, { state: "sent", words: undefined });
  }

  /** It was refused: its text stays, with the reason. */
  function fail(clientId: string, words: string) {
    settle(clientId, { state: "failed", words });
  }

  /** Puts a failed message back among those being sent; false when there is none. */
  function retry(clientId: string): boolean {
    return settle(clientId, { state: "sending", words: undefined });
  }

  /** Takes a failed message away for good, and answers its text. */
  function discard(clientId: string): string | undefined {
    const doomed = pending.peek().find((p) => p.clientId === clientId);
    pending.value = pending.peek().filter((p) => p !== doomed);
    return doomed?.body;
  }

  function settle(clientId: string, change: Partial<Pending>): boolean {
    const found = pending.peek().some((p) => p.clientId === clientId);
    if (found) {
      pending.value = pending.peek().map((p) => p.clientId === clientId ? { ...p, ...change } : p);
    }
    return found;
  }

  /** Somebody is typing; forgotten again by `fade`. */
  function hearTyping(userId: string) {
    if (userId === viewerId) return;
    const others = typists.peek().filter((t) => t.userId !== userId);
    typists.value = [...others, { userId, until: now() + TYPING_FADES_MS }];
  }

  /** Forgets those whose typing was last heard of too long ago. */
  function fade() {
    const still = typists.peek().filter((t) => t.until > now());
    if (still.length !== typists.peek().length) typists.value = still;
  }

  return {
    viewerId,
    viewerRole,
    messages,
    participants,
    session,
    version,
    connection,
    pending,
    typing,
    unannounced,
    isOver,
    maySend,
    status,
    apply,
    announce,
    say,
    acknowledge,
    fail,
    retry,
    discard,
    hearTyping,
    fade,
  };
}

const overStatuses = ["ended", "refunded"];

/** Who is there, in the words that the page's status reads. */
function statusWords(isOver: boolean, participants: ParticipantView[]): string {
  const mechanics = participants.filter((p) => p.role === "mechanic").length;
  if (isOver) return "This session is over";
  else if (mechanics === 0) return "Waiting for a mechanic to join";
  else return mechanics === 1 ? "1 mechanic connected" : `${mechanics} mechanics connected`;
}
