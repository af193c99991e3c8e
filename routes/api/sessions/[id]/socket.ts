import { environment } from "@/lib/environment.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { relay } from "@/lib/live/relay.ts";
import { seatHandlers, turnedAwayWith, turningAway } from "@/lib/live/seat.ts";
import { afterIn, askToHear, sessionIdIn } from "@/lib/messages.ts";
import { define } from "@/lib/state.ts";

/** A ping when nothing was heard for so long; no pong, and the socket is closed. */
const IDLE_TIMEOUT_SECONDS = 30;

export const handler = define.handlers({
  /** The session's socket: everything after version N, then what happens. */
  async GET(ctx) {
    // Who looks at the signal only later is not told of a browser that went away meanwhile.
    const { signal } = ctx.req;
    // Cookies come along from any page, and csrf() lets every GET pass.
    const origin = ctx.req.headers.get("origin");
    const ours = [ctx.url.origin, environment().publicUrl.origin];
    if (origin !== null && !ours.includes(origin)) throw new Refusal("DNIED");

    const isHandshake = asksForSocket(ctx.req.headers);
    try {
      const sessionId = sessionIdIn(ctx.params);
      const after = afterIn(ctx.url);
      const { proof } = ctx.state.login;
      if (proof === null) throw new Refusal("LOGIN");
      await askToHear({ proof }, sessionId);
      if (!isHandshake) throw new Refusal("BADIN", "This address speaks WebSocket only.");
      if (signal.aborted) return gone();
      const handlers = seatHandlers({ login: { proof }, sessionId, after }, relay);
      return ctx.upgrade(handlers, { idleTimeout: IDLE_TIMEOUT_SECONDS });
    } catch (error) {
      const code = isHandshake && turnedAwayWith(error);
      if (code && signal.aborted) return gone();
      if (code) return ctx.upgrade(turningAway(code));
      throw error;
    }
  },
});

/** The answer nobody hears. Upgraded, a connection whose browser has left is never let go by Deno. */
function gone(): Response {
  return new Response(null, { status: 499 });
}

/** Whether a handshake is whole (RFC 6455 section 4.1); half of one cannot be answered with a socket. */
function asksForSocket(headers: Headers): boolean {
  const says = (name: string, word: string) =>
    headers.get(name)?.toLowerCase().split(/\s*,\s*/).includes(word) ?? false;
  return says("upgrade", "websocket") && says("connection", "upgrade") &&
    !!headers.get("sec-websocket-key");
}
