import { pieces } from "@/lib/live/links.ts";

/** One message as it is drawn: own ones right and blue, others left. */
export function MessageLine({ body, author, isAnother, createdAt, zone, isOwn, note }: {
  body: string;
  author: string;
  /** It follows one of the same author, whose name need not be seen again. */
  isAnother: boolean;
  createdAt: string;
  zone: "UTC" | undefined;
  isOwn: boolean;
  /** How its sending goes. */
  note?: preact.ComponentChildren;
}) {
  return (
    <li class={`chat ${isOwn ? "chat-end" : "chat-start"}`}>
      <div class="chat-header quiet text-sm">
        <span dir="auto" class={isOwn || isAnother ? "sr-only" : ""}>{author}</span>
      </div>
      <div
        dir="auto"
        class={`chat-bubble max-w-[min(36rem,85%)] whitespace-pre-wrap text-start wrap-anywhere ${
          isOwn ? "bubble-own bg-info text-info-content" : "bubble-other"
        }`}
      >
        {pieces(body).map((piece) =>
          typeof piece === "string" ? piece : (
            <a
              class="underline"
              href={piece.href}
              target="_blank"
              rel="noopener noreferrer nofollow"
            >
              {piece.text}
            </a>
          )
        )}
      </div>
      <div class="chat-footer quiet items-center gap-2 text-sm tabular-nums">
        <time dateTime={createdAt}>{timeOfDay(createdAt, zone)}</time>
        {note}
      </div>
    </li>
  );
}

/** As `lib/ui/When.tsx` writes it, but of today, and in the reader's zone once we know it. */
function timeOfDay(iso: string, timeZone: string | undefined): string {
  return (timeZone === "UTC" ? UTC : LOCAL).format(new Date(iso));
}

// Making a format costs more than drawing a whole message does.
const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const UTC = new Intl.DateTimeFormat("en-GB", { ...CLOCK, timeZone: "UTC" });
const LOCAL = new Intl.DateTimeFormat("en-GB", CLOCK);
