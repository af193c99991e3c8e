/**
 * The whole app in this process, on a database and an offline Stripe of its
 * own: for route tests through `handler`, and for browsers at `origin`.
 */
import { builder } from "@/fresh.config.ts";
import { closeDoors } from "@/lib/db/door.ts";
import { useEnvironment } from "@/lib/environment.ts";
import { startJobs } from "@/lib/jobs.ts";
import { drain } from "@/lib/live/relay.ts";
import { type Sandbox, startSandbox } from "@/lib/payments/sandbox/mod.ts";
import { castOn, type Player, tokenOf } from "./cast.ts";
import { asAdmin, freshDatabase, type TestDatabase } from "./database.ts";

/** A running app. */
export interface TestApp extends AsyncDisposable {
  origin: string;
  db: TestDatabase;
  sandbox: Sandbox;
  /** Answers a request as `deno serve` would. */
  handler(request: Request): Promise<Response>;
  /** A browser without a screen: keeps its cookies, follows no redirect. */
  visitor(): Visitor;
  /** One of the cast, signed in. */
  as(player: Player): Visitor;
  /** Runs SQL as the administrator. */
  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** Somebody who asks the app. */
export interface Visitor {
  cookies: Map<string, string>;
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Posts a form, as a page of ours would. */
  post(path: string, fields?: Record<string, string>, init?: RequestInit): Promise<Response>;
}

/** The secret the test app and its sandbox share. */
export const WEBHOOK_SECRET = "whsec_only_for_tests";

/** Starts an app with the cast on. One at a time in a test file. */
export async function startApp(): Promise<TestApp> {
  const db = await freshDatabase();
  await asAdmin(db.adminUrl, castOn);

  let handler: (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> = () =>
    Promise.resolve(new Response("not yet", { status: 503 }));
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => handler(request, info),
  );
  const origin = `http://localhost:${server.addr.port}`;
  const sandbox = await startSandbox({
    webhookUrl: new URL("/api/stripe/webhook", origin).href,
    webhookSecret: WEBHOOK_SECRET,
  });
  useEnvironment({
    DATABASE_URL: db.webUrl,
    RELAY_DATABASE_URL: db.relayUrl,
    BACKSTAGE_DATABASE_URL: db.backstageUrl,
    STRIPE_SECRET_KEY: sandbox.secretKey,
    STRIPE_HOST: sandbox.host.href,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_PRICE_CHAT10: sandbox.prices.chat10,
    STRIPE_PRICE_VIDEO15: sandbox.prices.video15,
    STRIPE_PRICE_DIAGNOSTIC: sandbox.prices.diagnostic,
    PUBLIC_URL: origin,
    WRENCHLINE_DEMO: "on",
  });
  const jobs = await startJobs();

  const { app } = await import("@/main.ts");
  const applySnapshot = await (await builder()).build({ mode: "production", snapshot: "memory" });
  applySnapshot(app);
  handler = app.handler();

  function visitor(cookies = new Map<string, string>()): Visitor {
    async function ask(path: string, init: RequestInit = {}) {
      const headers = new Headers(init.headers);
      if (cookies.size > 0) {
        headers.set(
          "cookie",
          [...cookies].map(([k, v]) => `${k}=${v}`).join("; "),
        );
      }
      const response = await fetch(new URL(path, origin), { redirect: "manual", ...init, headers });
      for (const set of response.headers.getSetCookie()) {
        const [name, value] = set.split(";")[0].split("=");
        if (value === "" || /max-age=0/i.test(set)) cookies.delete(name);
        else cookies.set(name, value);
      }
      return response;
    }
    return {
      cookies,
      get: (path, init) => ask(path, init),
      post: (path, fields = {}, init) =>
        ask(path, {
          method: "POST",
          body: new URLSearchParams(fields),
          ...init,
          headers: { origin, "sec-fetch-site": "same-origin", ...init?.headers },
        }),
    };
  }

  return {
    origin,
    db,
    sandbox,
    handler: (request) => handler(request),
    visitor: () => visitor(),
    as: (player) => visitor(new Map([["login", tokenOf(player)]])),
    sql: (text, values) =>
      asAdmin(db.adminUrl, async (admin) => (await admin.query(text, values)).rows),
    async [Symbol.asyncDispose]() {
      await drain();
      await server.shutdown();
      await jobs.stop();
      await sandbox.stop();
      await closeDoors();
      await db[Symbol.asyncDispose]();
    },
  };
}
