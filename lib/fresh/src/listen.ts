import type { ListenOptions } from "./app.ts";
import type { ResolvedFreshConfig } from "./config.ts";

/** Serves on the port asked for, or else on the first free one from 8000 on. */
export function serveOnFreePort(
  handler: (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>,
  config: ResolvedFreshConfig,
  options: ListenOptions,
): void {
  const ports = options.port === undefined
    ? Array.from({ length: 20 }, (_, at) => 8000 + at)
    : [options.port];
  const last = ports[ports.length - 1];
  for (const port of ports) {
    try {
      const onListen = options.onListen ??
        ((address: Deno.NetAddr) => announce(address, config, options));
      Deno.serve({ ...options, port, onListen } as Deno.ServeTcpOptions, handler);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || port === last) {
        throw error;
      }
    }
  }
}

function announce(
  address: Deno.NetAddr,
  config: ResolvedFreshConfig,
  options: ListenOptions,
): void {
  const protocol = "cert" in options && options.cert ? "https" : "http";
  const isAny = address.hostname === "0.0.0.0" || address.hostname === "::";
  const host = options.remoteAddress ??
    (isAny ? "localhost" : address.hostname);
  const name = host.includes(":") ? `[${host}]` : host;
  console.log(`Fresh ready at ${protocol}://${name}:${address.port}${config.basePath}/`);
}
