import { type Context, HttpError, type MiddlewareFn } from "fresh";
import { h } from "preact";
import { refusalOf, REFUSALS } from "../db/refusals.ts";
import type { State } from "../state.ts";
import { ErrorPage } from "../ui/ErrorPage.tsx";

/** What went wrong, as the person who asked may know it. */
interface Failure {
  status: number;
  code: string;
  words: string;
}

/**
 * Answers what was thrown: JSON below /api/, elsewhere a page, and for a
 * visitor who must sign in the way there. Registered outside the handlers, so
 * that an error has the same headers as everything else.
 */
export const answerFailures: MiddlewareFn<State> = async (ctx) => {
  ctx.state.requestId = crypto.randomUUID();
  try {
    return await ctx.next();
  } catch (error) {
    ctx.error = error;
    const failure = failureOf(error);
    if (failure.status === 500) report(ctx, error);
    return await answer(ctx, failure, error);
  }
};

function failureOf(error: unknown): Failure {
  const refusal = refusalOf(error);
  if (refusal) return { status: refusal.status, code: refusal.code, words: refusal.words };
  if (error instanceof HttpError && error.status < 500) {
    const known = Object.entries(REFUSALS).find(([, { status }]) => status === error.status);
    return {
      status: error.status,
      code: known?.[0] ?? "BADIN",
      words: WORDS[error.status] ?? known?.[1].words ?? error.message,
    };
  }
  return {
    status: 500,
    code: "FAULT",
    words: "Something went wrong on our side, and we have been told. Nothing was charged twice.",
  };
}

const WORDS: Record<number, string> = {
  403: "That request came from another site, so we did not follow it.",
  405: "That address does not take this kind of request.",
};

/** The log has the id the person sees, and what happened; never who it was or what they sent. */
function report(ctx: Context<State>, error: unknown): void {
  const url = ctx.route ?? ctx.url.pathname;
  console.error(`request ${ctx.state.requestId} ${ctx.req.method} ${url} failed:`, error);
}

function answer(
  ctx: Context<State>,
  failure: Failure,
  error: unknown,
): Response | Promise<Response> {
  const { status, code, words } = failure;
  const { requestId } = ctx.state;
  const headers = new Headers();
  const allow = (error as { headers?: Headers })?.headers?.get?.("Allow");
  if (allow) headers.set("Allow", allow);
  if (status === 429 || status === 503) headers.set("Retry-After", status === 429 ? "60" : "5");

  if (ctx.url.pathname.startsWith("/api/")) {
    return Response.json({ error: { code, words, requestId } }, { status, headers });
  } else if (status === 401) {
    const back = ctx.req.method === "GET" ? ctx.url.pathname + ctx.url.search : "/account";
    return ctx.redirect(`/start?redirect=${encodeURIComponent(back)}`, 303);
  }
  return ctx.render(h(ErrorPage, { status, words, requestId }), { status, headers });
}
