/** What an {@linkcode App} may be told when it is made. */
export interface FreshConfig {
  /** The directory of the app; known once a build is applied. */
  root?: string;
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
  /** The directory of the app. */
  root: string;
  /** The path everything is served under; empty for none. */
  basePath: string;
  /** How the app is run. */
  mode: "development" | "production";
  /** Whether forwarded protocol and host are believed. */
  trustProxy: boolean;
}

/** Fills in the defaults. */
export function resolveConfig(config: FreshConfig): ResolvedFreshConfig {
  const basePath = config.basePath ?? "";
  return {
    root: config.root ?? "",
    basePath: basePath.endsWith("/") ? basePath.slice(0, -1) : basePath,
    mode: config.mode ?? "production",
    trustProxy: config.trustProxy ?? false,
  };
}
