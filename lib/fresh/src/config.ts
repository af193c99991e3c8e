/** What an {@linkcode App} may be told when it is made. */
export interface FreshConfig {
  /** A path everything is served under, such as `/shop`. */
  basePath?: string;
  /** Set by the Builder; `"production"` unless it serves for development. */
  mode?: "development" | "production";
  /**
   * Whether a proxy in front may be believed about protocol and host
   * (`X-Forwarded-Proto`, `X-Forwarded-Host`).
   */
  trustProxy?: boolean;
}

/** {@linkcode FreshConfig} with its defaults filled in. */
export interface ResolvedFreshConfig {
  /** The directory of the app; known once a build is applied. */
  root: string;
  /** The path everything is served under; empty for none. */
  basePath: string;
  /** How the app is run. */
  mode: "development" | "production";
  /** Whether forwarded protocol and host are believed. */
  trustProxy: boolean;
}

/** Fills in the defaults, and refuses a base path that would match nothing. */
export function resolveConfig(config: FreshConfig): ResolvedFreshConfig {
  const basePath = config.basePath ?? "";
  checkBasePath(basePath);
  return {
    root: ".",
    basePath: basePath === "/" || basePath === "./" ? "" : basePath,
    mode: config.mode ?? "production",
    trustProxy: config.trustProxy ?? false,
  };
}

function checkBasePath(basePath: string): void {
  if (["", "/", "./"].includes(basePath)) return;
  const refuse = (why: string) => {
    throw new Error(`Invalid basePath: "${basePath}". ${why}`);
  };
  if (!basePath.startsWith("/")) refuse('Must be empty, "/", "./", or start with "/"');
  if (basePath.endsWith("/")) refuse('Must not end with "/" except for root path');
  if (!/^[\w/.~-]*$/.test(basePath)) refuse("Contains invalid characters");
}
