/** A piece of a message: plain text, or a link that is safe to follow. */
export type Piece = string | { href: string; text: string };

/**
 * Cuts a message into text and links. Only http and https become links; what
 * the pieces hold is text, never HTML.
 */
export function pieces(body: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of body.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
    const text = trimmed(match[0]);
    const href = safe(text);
    if (!href) continue;
    if (match.index > from) found.push(body.slice(from, match.index));
    found.push({ href, text });
    from = match.index + text.length;
  }
  if (from < body.length) found.push(body.slice(from));
  return found;
}

/** Without the full stop or bracket that belongs to the sentence, not to the link. */
function trimmed(link: string): string {
  const short = link.replace(/[.,;:!?'*]+$/, "");
  const isOpen = short.includes("(");
  return short.endsWith(")") && !isOpen ? trimmed(short.slice(0, -1)) : short;
}

function safe(text: string): string | null {
  const url = URL.parse(text);
  // A name before the host is there to mislead: https://bank.example@evil.example
  return url && !url.username && !url.password ? url.href : null;
}
