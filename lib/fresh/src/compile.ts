import type { App } from "./app.ts";
import { type Build, buildOf } from "./build.ts";
import type { Command } from "./commands.ts";
import { advance, Context, type Inner, innerOf } from "./context.ts";
import { answerUncaught } from "./default_error.ts";
import { HttpError } from "./error.ts";
import { methodOf } from "./handlers.ts";
import { withHeader } from "./headers.ts";
import { Plan } from "./plan.ts";

type Handler = (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;

/** Turns what was registered into the function that answers requests. */
export function compile<State>(app: App<State>, commands: Command<State>[]): Handler {
  const build = buildOf(app);
  const plan = new Plan<State>(app.config.basePath, build);
  for (const command of commands) plan.apply(command);
  return answering(app, build, plan);
}

/** The function that answers requests. */
function answering<State>(app: App<State>, build: Build | null, plan: Plan<State>): Handler {
  const { config } = app;
  const unknown = plan.fallback(() => {
    throw new HttpError(404);
  });
  const wrongMethod = plan.fallback((ctx) => {
    if (ctx.req.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: { allow: innerOf(ctx).allow! } });
    }
    throw new HttpError(405);
  });

  return async (req, info = NO_INFO) => {
    const forwarded = config.trustProxy ? forwardedUrl(req) : null;
    const plain = forwarded === null ? plainPath(req.url) : null;
    const url = plain === null ? forwarded ?? new URL(req.url) : null;
    if (url !== null) url.pathname = url.pathname.replace(/\/{2,}/g, "/");

    const path = plain ?? url!.pathname;
    const match = plan.router.match(methodOf(req), path);
    const inner: Inner<State> = {
      chain: match.item ?? (match.allow === null ? unknown : wrongMethod),
      at: -1,
      answer: null,
      app: null,
      layouts: NO_LAYOUTS,
      build,
      path,
      wantsNonce: false,
      nonce: null,
      allow: match.allow,
      finishers: null,
    };
    const route = match.item === null ? null : match.pattern;
    const ctx = new Context<State>(req, url, info, config, { params: match.params, route }, inner);

    let response: Response;
    try {
      response = await advance(ctx, inner);
    } catch (error) {
      response = answerUncaught(ctx, error);
    }
    for (const finish of inner.finishers ?? []) response = finish(response);
    if (response.status === 405 && inner.allow !== null && !response.headers.has("allow")) {
      response = withHeader(response, "allow", inner.allow);
    }
    return req.method === "HEAD" && response.body !== null
      ? new Response(null, response)
      : response;
  };
}

const NO_LAYOUTS: never[] = [];

/** Stands in for the connection where there is none, as in tests. */
const NO_INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
} as Deno.ServeHandlerInfo;

/** The path of a URL that needs no normalizing; null where a URL parser has to look. */
function plainPath(url: string): string | null {
  return /^https?:\/\/[^/?#]+((?:\/[\w~-][\w.~-]*)*\/?)(?:\?[^#]*)?$/.exec(url)?.[1] || null;
}

/** The URL as the client wrote it, according to the proxy; null when it says nothing. */
function forwardedUrl(req: Request): URL | null {
  const proto = req.headers.get("x-forwarded-proto")?.split(",")[0].trim();
  const host = req.headers.get("x-forwarded-host")?.split(",")[0].trim();
  if (!proto && !host) return null;
  const url = new URL(req.url);
  if (proto === "http" || proto === "https") url.protocol = proto;
  if (host) {
    url.port = "";
    url.host = host;
  }
  return url;
}
