import { csrf, type Middleware, type MiddlewareFn } from "fresh";
import { createHmac } from "node:crypto";
import { environment } from "../environment.ts";
import { loginFrom } from "../logins.ts";
import type { State } from "../state.ts";

/** Reads who asks from the cookie, and from where from the connection. */
export const identify: MiddlewareFn<State> = async (ctx) => {
  ctx.state.login = await loginFrom(ctx.req);
  ctx.state.client = digest(addressOf(ctx.req, ctx.info));
  return ctx.next();
};

/** Refuses what another site had a browser send. */
export const sameSiteOnly: Middleware<State> = csrf<State>({
  origin: (origin: string) => origin === environment().publicUrl.origin,
});

/** Behind a proxy that ends TLS, the address it saw is the last it noted. */
function addressOf(req: Request, info: Deno.ServeHandlerInfo): string {
  const noted = req.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  if (noted && environment().publicUrl.protocol === "https:") return noted;
  return info.remoteAddr && "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "local";
}

/** Keyed, because the few addresses there are could all be hashed in a day. */
function digest(address: string): string {
  return createHmac("sha256", environment().databaseUrl).update(address).digest("base64url");
}
