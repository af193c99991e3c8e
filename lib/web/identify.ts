import { csrf, type Middleware, type MiddlewareFn } from "fresh";
import { createHmac } from "node:crypto";
import { isIPv6 } from "node:net";
import { environment } from "../environment.ts";
import { loginFrom } from "../logins.ts";
import type { State } from "../state.ts";

/** Reads who asks from the cookie, and from where from the connection. */
export const identify: MiddlewareFn<State> = async (ctx) => {
  ctx.state.login = await loginFrom(ctx.req);
  ctx.state.client = digest(networkOf(addressOf(ctx.req, ctx.info)));
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

/** Whoever has one IPv6 address has all of its /64, and would be a new client with each. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  if (address.includes(".")) return address.slice(address.lastIndexOf(":") + 1); // IPv4, mapped
  // The URL parser writes an address out in its one shortest form.
  const [head, tail] = new URL(`http://[${address.split("%")[0]}]`).hostname.slice(1, -1).split(
    "::",
  );
  const given = head ? head.split(":") : [];
  const after = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - given.length - after.length;
  return [...given, ...Array(zeros).fill("0"), ...after].slice(0, 4).join(":");
}

/** Keyed, because the few addresses there are could all be hashed in a day. */
function digest(address: string): string {
  return createHmac("sha256", environment().databaseUrl).update(address).digest("base64url");
}
