import type { Context } from "./context.ts";
import { errorDocument } from "./error_document.ts";
import { HttpError } from "./error.ts";

/** Answers what nobody caught: in words, or for developers with a stack. */
export function answerUncaught<State>(ctx: Context<State>, error: unknown): Response {
  const status = error instanceof HttpError ? error.status : 500;
  if (status >= 500) console.error(error);

  const isPage = ctx.req.headers.get("accept")?.includes("text/html");
  if (status >= 500 && ctx.config.mode === "development" && isPage) {
    return new Response(errorDocument(error), {
      status,
      headers: { "content-type": "text/html; charset=utf-8" },
    });
  }
  const text = error instanceof HttpError ? error.message : "Internal server error";
  return new Response(text, { status });
}
