import { Head } from "fresh/runtime";
import ChatRoom from "@/islands/ChatRoom.tsx";
import type { ChatView, Draft } from "@/lib/messages.ts";

/** A chat as it is served: the conversation, and what the customer told us beforehand. */
export function ChatPage({ chat, unsent }: {
  chat: ChatView;
  /** A message that was refused, and why. */
  unsent?: Draft & { words: string };
}) {
  const { intake, ...opening } = chat;
  return (
    <>
      <Head>
        <title>Your chat · Wrenchline</title>
        <meta name="robots" content="noindex" />
      </Head>
      <div class="mx-auto grid w-full max-w-6xl gap-4 px-3 py-3 sm:px-6 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div class="min-w-0">
          <h1 class="sr-only">Your chat</h1>
          <noscript>
            <p class="quiet mb-2 text-sm">
              New messages show when the page is loaded again.{" "}
              <a class="plain-link" href={`/chat/${chat.session.id}`}>Load it again</a>{" "}
              · Times are in UTC.
            </p>
          </noscript>
          <ChatRoom
            opening={opening}
            clientId={unsent?.clientId ?? crypto.randomUUID()}
            draft={unsent?.body ?? ""}
            refusal={unsent?.words ?? ""}
          />
        </div>
        {(intake?.vehicle || intake?.complaint) && (
          <aside class="sheet h-fit min-w-0 p-4" aria-label="The car">
            <details open>
              <summary class="cursor-pointer font-semibold">The car</summary>
              <dl class="mt-2 space-y-2">
                {intake.vehicle && (
                  <div>
                    <dt class="quiet text-sm">Vehicle</dt>
                    <dd dir="auto">{intake.vehicle}</dd>
                  </div>
                )}
                {intake.complaint && (
                  <div>
                    <dt class="quiet text-sm">What is wrong</dt>
                    <dd dir="auto" class="whitespace-pre-wrap wrap-anywhere">{intake.complaint}</dd>
                  </div>
                )}
              </dl>
            </details>
          </aside>
        )}
      </div>
    </>
  );
}
