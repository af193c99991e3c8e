import { pieces } from "@/lib/live/links.ts";

/** One message as it is drawn: own ones right and blue, others left. */
export function MessageLine({ body, author, createdAt, zone, isOwn, note }: {
  body: string;
  /** Empty for own ones. */
  author: string;
  createdAt: string;
  zone: string | undefined;
  isOwn: boolean;
  /** How its sending goes. */
  note?: preact.ComponentChildren;
}) {
  return (
    <li class={`chat ${isOwn ? "chat-end" : "chat-start"}`}>
      <div class="chat-header quiet text-sm">
        {isOwn ? <span class="sr-only">You</span> : <span dir="auto">{author}</span>}
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
  const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone });
  return format.format(new Date(iso));
}
