// Where a form or a link may send the browser afterwards: nowhere but to this site.

/** What control characters and backslashes have in common: a URL parser drops or turns them. */
// deno-lint-ignore no-control-regex
const TWISTED = /[\x00-\x20\x7f-\x9f\\\u2028\u2029\ufeff]/;

/** Longer ones are nobody's page. */
const LONGEST_PATH = 500;

/**
 * The path, query and fragment of `target` when it is a page of this site, otherwise
 * `otherwise`. Refuses other schemes and hosts, `//host`, backslashes, white space and
 * control characters (browsers drop them, so `/<tab>/host` would become `//host`), and
 * whatever a parser would resolve to one of those.
 */
export function sameSitePath(target: unknown, otherwise = "/"): string {
  if (typeof target !== "string" || !target.startsWith("/")) return otherwise;
  if (target.length > LONGEST_PATH || TWISTED.test(target)) return otherwise;

  const here = "http://here.invalid";
  const url = URL.parse(target, here);
  if (url === null || url.origin !== here || url.pathname.startsWith("//")) return otherwise;
  // The parser's spelling, so that what was judged is what is sent.
  return url.pathname + url.search + url.hash;
}
