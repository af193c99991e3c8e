import { h } from "preact";
import { refusalOf } from "@/lib/db/refusals.ts";
import { ChatPage } from "@/lib/live/ChatPage.tsx";
import {
  afterIn,
  draftIn,
  messagesAfter,
  readChat,
  sendMessage,
  sessionIdIn,
} from "@/lib/messages.ts";
import { define } from "@/lib/state.ts";

export const handler = define.handlers({
  /** What changed after `?after=N`: what the socket says, for those without one. */
  async GET(ctx) {
    const sessionId = sessionIdIn(ctx.params);
    const page = await messagesAfter(ctx.state.login, { sessionId, after: afterIn(ctx.url) });
    return Response.json(page, { headers: { "cache-control": "no-store" } });
  },

  /** Sends one message. Harmless to repeat with the same client id. */
  async POST(ctx) {
    const { login } = ctx.state;
    const sessionId = sessionIdIn(ctx.params);
    const { isForm, ...draft } = await draftIn(ctx.req);
    const sending = sendMessage(login, { sessionId, ...draft });
    if (!isForm) return Response.json(await sending, { status: 201 });

    const refusal = await sending.then(() => null, (error) => keepable(error));
    if (!refusal) return ctx.redirect(`/chat/${sessionId}`, 303);
    // What was typed is not lost with the refusal: the page comes back with it.
    const chat = await readChat(login, sessionId);
    return ctx.render(h(ChatPage, { chat, unsent: { ...draft, words: refusal.words } }), {
      status: refusal.status,
    });
  },
});

/** A refusal after which the page can still be shown; others are thrown on. */
function keepable(error: unknown) {
  const refusal = refusalOf(error);
  if (!refusal || ["LOGIN", "NTFND", "AWAY_"].includes(refusal.code)) throw error;
  return refusal;
}
