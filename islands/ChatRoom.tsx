import { useComputed, useSignal } from "@preact/signals";
import type { TargetedKeyboardEvent, TargetedSubmitEvent } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { characters, LIMIT_SAID_FROM, MESSAGE_LIMIT } from "@/lib/live/limits.ts";
import { line } from "@/lib/live/line.ts";
import { MessageLine } from "@/lib/live/MessageLine.tsx";
import { type Opening, type Pending, timeline } from "@/lib/live/timeline.ts";

const ANNOUNCED_AFTER_MS = 500;
const SPOKEN_FOR_MS = 1500;

/** The conversation of a session: alive in the browser, a plain form without. */
export default function ChatRoom({ opening, clientId, draft, refusal }: {
  opening: Opening;
  /** For the form without JavaScript, whose repeat is then harmless too. */
  clientId: string;
  draft: string;
  refusal: string;
}) {
  const room = useMemo(() => timeline(opening), []);
  const wire = useMemo(() => line(room), []);
  const text = useSignal(draft);
  const error = useSignal(refusal);
  const zone = useSignal<"UTC" | undefined>("UTC");
  const unseen = useSignal(0);
  const spoken = useSignal("");
  const log = useRef<HTMLDivElement>(null);
  const composer = useRef<HTMLTextAreaElement>(null);
  const left = useComputed(() => MESSAGE_LIMIT - characters(text.value.trim()));

  useEffect(() => {
    zone.value = undefined; // the browser's own
    if (!room.isOver.value) wire.open();
    wakeComposer();
    const online = () => wire.network(true);
    const offline = () => wire.network(false);
    const seen = () => wire.seen(document.visibilityState === "visible");
    addEventListener("online", online);
    addEventListener("offline", offline);
    document.addEventListener("visibilitychange", seen);
    return () => {
      removeEventListener("online", online);
      removeEventListener("offline", offline);
      document.removeEventListener("visibilitychange", seen);
      wire.hangUp();
    };
  }, []);

  // A burst is announced as one, and taken away again once it was read out.
  useEffect(() => {
    if (!room.unannounced.value.length) return;
    const timer = setTimeout(() => spoken.value = room.announce(), ANNOUNCED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [room.unannounced.value]);
  useEffect(() => {
    const timer = setTimeout(() => spoken.value = "", SPOKEN_FOR_MS);
    return () => clearTimeout(timer);
  }, [spoken.value]);

  // Where the composer goes away, what was being typed stays to be read and copied.
  useEffect(() => {
    if (room.maySend.value || !text.peek().trim()) return;
    const id = crypto.randomUUID();
    room.say(id, text.peek().trim());
    room.fail(id, "This was not sent.");
    text.value = "";
  }, [room.maySend.value]);

  // The log's scroll position counts from its end, so it stays at the end by itself.
  // Who reads further up stays there: what was added below is added to the distance.
  const heightBefore = useRef(0);
  const said = room.messages.value;
  const saidBefore = useRef(said);
  useLayoutEffect(() => {
    const { current } = log;
    if (!current) return;
    const grown = current.scrollHeight - heightBefore.current;
    heightBefore.current = current.scrollHeight;
    if (said === saidBefore.current) return;
    const added = said.slice(saidBefore.current.length);
    saidBefore.current = said;
    if (isAtEnd(current)) return;
    current.scrollTop -= grown;
    unseen.value += added.filter((message) => message.senderId !== room.viewerId).length;
  });

  function toEnd() {
    unseen.value = 0;
    if (log.current) log.current.scrollTop = 0;
  }

  function send(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const body = text.value.trim();
    if (left.value < 0) {
      error.value = TOO_LONG;
    } else if (body) {
      wire.send(body);
      error.value = text.value = composer.current!.value = "";
      toEnd();
    }
    composer.current?.focus();
  }

  /** What was typed before we woke is kept; an Enter at its end was meant to send it. */
  function wakeComposer() {
    const box = composer.current;
    text.value = box?.value ?? "";
    const isSent = text.value.endsWith("\n") && document.activeElement === box;
    if (isSent) box?.form?.requestSubmit();
  }

  function write(value: string) {
    text.value = value;
    error.value = left.value < 0 ? TOO_LONG : "";
    if (value.trim()) wire.type();
  }

  function press(event: TargetedKeyboardEvent<HTMLTextAreaElement>) {
    // While a word is being composed, Enter chooses it.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <section
      class="sheet flex h-[calc(100dvh-8rem)] min-h-96 flex-col overflow-hidden"
      aria-label="Chat"
      data-connection={room.connection.value}
    >
      <div class="flex min-h-13 flex-wrap items-center justify-between gap-x-4 border-b border-base-300 px-4 py-2">
        <p role="status" class="font-semibold">{room.status.value}</p>
        <p aria-live="polite" class="quiet text-sm">
          {connectionWords(room.connection.value, room.pending.value)}
        </p>
      </div>

      <div class="relative flex min-h-0 flex-1 flex-col">
        <div
          ref={log}
          role="log"
          aria-label="Conversation"
          aria-live="off"
          tabIndex={0}
          class="flex min-h-0 flex-1 flex-col-reverse overflow-y-auto overscroll-contain px-4 py-3 [overflow-anchor:none]"
          onScroll={(event) => isAtEnd(event.currentTarget) && (unseen.value = 0)}
        >
          <ol>
            {said.map((message, n) => {
              const isOwn = message.senderId === room.viewerId;
              return (
                <MessageLine
                  key={`${message.senderId} ${message.clientId}`}
                  body={message.body}
                  author={isOwn ? "You" : message.senderName}
                  isAnother={said[n - 1]?.senderId === message.senderId}
                  createdAt={message.createdAt}
                  zone={zone.value}
                  isOwn={isOwn}
                />
              );
            })}
            {room.pending.value.map((message) => (
              <MessageLine
                key={`${room.viewerId} ${message.clientId}`}
                body={message.body}
                author="You"
                isAnother
                createdAt={message.createdAt}
                zone={zone.value}
                isOwn
                note={
                  <Progress
                    message={message}
                    onRetry={room.maySend.value ? () => wire.retry(message.clientId) : undefined}
                    onDiscard={() => room.discard(message.clientId)}
                  />
                }
              />
            ))}
          </ol>
          {said.length + room.pending.value.length === 0 && (
            <p class="quiet m-auto max-w-sm text-center">
              Nothing was said yet. What is written now is here for everybody who joins later.
            </p>
          )}
        </div>
        {unseen.value > 0 && (
          <button
            type="button"
            class="btn btn-sm btn-neutral absolute bottom-2 left-1/2 -translate-x-1/2 shadow"
            onClick={() => (toEnd(), composer.current?.focus())}
          >
            {unseen.value === 1 ? "1 new message" : `${unseen.value} new messages`}
          </button>
        )}
      </div>

      {/* Beside the log, not in it: history is never read out, what is new is, once. */}
      <div class="sr-only" aria-live="polite">{spoken.value}</div>
      <p class="quiet h-6 truncate px-4 text-sm" aria-hidden="true">
        {typingWords(room.typing.value)}
      </p>

      {room.maySend.value
        ? (
          <form
            method="post"
            action={`/api/sessions/${opening.session.id}/messages`}
            class="border-t border-base-300 p-3"
            onSubmit={send}
          >
            <input type="hidden" name="clientId" value={clientId} />
            <label for="message" class="sr-only">Message</label>
            <div class="flex items-end gap-2">
              <textarea
                ref={composer}
                id="message"
                name="body"
                rows={2}
                required
                dir="auto"
                autoComplete="off"
                enterkeyhint="send"
                aria-describedby="message-hint message-error"
                aria-invalid={left.value < 0 ? "true" : undefined}
                class="textarea min-h-12 w-full flex-1 resize-none text-base"
                defaultValue={draft}
                onInput={(event) => write(event.currentTarget.value)}
                onKeyDown={press}
              />
              <button type="submit" class="btn btn-primary">Send</button>
            </div>
            <p id="message-hint" class="quiet mt-1 min-h-5 text-sm">
              {hint(left.value)}
            </p>
            <p id="message-error" role="alert" class="text-sm font-semibold text-error">
              {error}
            </p>
          </form>
        )
        : <Farewell room={room} />}
    </section>
  );
}

/** How the sending of a message goes, and what can be done about it. */
function Progress({ message, onRetry, onDiscard }: {
  message: Pending;
  onRetry?: () => void;
  onDiscard: () => void;
}) {
  switch (message.state) {
    case "sending": // said only when it takes a while
      return <span class="transition-opacity delay-300 starting:opacity-0">Sending…</span>;
    case "sent":
      return <span>Sent</span>;
    case "failed":
      return (
        <>
          <span role="alert" class="font-semibold text-error">{message.words}</span>
          {onRetry && (
            <button type="button" class="plain-link cursor-pointer" onClick={onRetry}>
              Try again
            </button>
          )}
          <button type="button" class="plain-link cursor-pointer" onClick={onDiscard}>
            Delete
          </button>
        </>
      );
  }
}

/** In place of the composer, for those who may not send. */
function Farewell({ room }: { room: ReturnType<typeof timeline> }) {
  const { connection, isOver, session } = room;
  const start = `/start?redirect=${encodeURIComponent(`/chat/${session.value.id}`)}`;
  let words: preact.ComponentChildren;
  if (connection.value === "signed-out") {
    words = (
      <>
        You are signed out. <a class="plain-link" href={start}>Sign in again</a>
      </>
    );
  } else if (connection.value === "removed") {
    words = "You are no longer in this session.";
  } else if (isOver.value) {
    words = "This session is over. You can still read what was said.";
  } else {
    words = "You are observing. Only the customer and the mechanic can write.";
  }
  return <p class="border-t border-base-300 px-4 py-4" aria-live="polite">{words}</p>;
}

function isAtEnd(element: HTMLElement): boolean {
  return element.scrollTop > -48; // it counts downwards from 0 at the end
}

function connectionWords(connection: string, pending: Pending[]): string {
  const waiting = pending.filter((message) => message.state === "sending").length;
  switch (connection) {
    case "reconnecting":
      return "Reconnecting…";
    case "offline":
      return waiting === 0
        ? "You are offline"
        : `You are offline; ${waiting === 1 ? "1 message" : `${waiting} messages`} will be sent`;
    default:
      return "";
  }
}

function typingWords(who: { name: string }[]): string {
  return who.length
    ? `${who.map(({ name }) => name).join(", ")} ${who.length === 1 ? "is" : "are"} typing…`
    : "";
}

/** Said once, when the limit is crossed; by how much is for the eye. */
const TOO_LONG = "This message is too long to send.";

function hint(left: number): string {
  if (left < 0) return tooLong(-left);
  else if (left <= MESSAGE_LIMIT - LIMIT_SAID_FROM) {
    return `${left.toLocaleString("en-US")} characters left`;
  } else {return `Enter sends, Shift+Enter breaks the line. Up to ${
      MESSAGE_LIMIT.toLocaleString("en-US")
    } characters.`;}
}

function tooLong(by: number): string {
  return `Too long to send by ${by.toLocaleString("en-US")} ${
    by === 1 ? "character" : "characters"
  }.`;
}
