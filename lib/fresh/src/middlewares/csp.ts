import { innerOf } from "../context.ts";
import type { MiddlewareFn } from "../handlers.ts";
import { withHeader } from "../headers.ts";

/** Options of {@linkcode csp}. */
export interface CSPOptions {
  /** Report what would be blocked, and block nothing. */
  reportOnly?: boolean;
  /** Where browsers send reports. */
  reportTo?: string;
  /** Directives that replace the defaults of the same name. */
  csp?: string[];
  /** Allow inline scripts and styles of rendered pages by a nonce instead of `'unsafe-inline'`. */
  useNonce?: boolean;
}

const DEFAULTS = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];

/**
 * Sets a Content-Security-Policy on every answer of what is registered after
 * it, error pages included. Same-origin by default.
 */
export function csp<State>(options: CSPOptions = {}): MiddlewareFn<State> {
  const { reportOnly = false, reportTo, csp: given = [], useNonce = false } = options;
  const replaced = new Set(given.map(nameOf));
  const directives = [
    ...DEFAULTS.filter((directive) => !replaced.has(nameOf(directive))),
    ...given,
  ];
  if (reportTo !== undefined) {
    directives.push(`report-uri ${reportTo}`, "report-to csp-endpoint");
  }
  const policy = directives.join("; ");
  const header = reportOnly ? "Content-Security-Policy-Report-Only" : "Content-Security-Policy";

  return async (ctx) => {
    const inner = innerOf(ctx);
    if (useNonce) inner.wantsNonce = true;
    const protect = (response: Response) => {
      const { nonce } = inner;
      const value = useNonce && nonce !== null
        ? policy.replaceAll("'unsafe-inline'", `'nonce-${nonce}'`)
        : policy;
      const answer = withHeader(response, header, value);
      return reportTo === undefined ? answer : withHeader(
        answer,
        "Reporting-Endpoints",
        `csp-endpoint="${reportTo}"`,
      );
    };
    try {
      return protect(await ctx.next());
    } catch (error) {
      (inner.finishers ??= []).push(protect); // whoever answers the error, further out
      throw error;
    }
  };
}

function nameOf(directive: string): string {
  return directive.trim().split(/\s/, 1)[0];
}
