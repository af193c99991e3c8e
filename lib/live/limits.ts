/**
 * Numbers that the browser and the server must agree on. No imports: this file
 * is part of what the chat page downloads.
 */

/** The longest message, in characters as people and Postgres count them. */
export const MESSAGE_LIMIT = 4000;

/** From here on the composer says how many characters are left. */
export const LIMIT_SAID_FROM = 3500;

/** A typing line fades this long after the last keystroke was heard of. */
export const TYPING_FADES_MS = 5000;

/** How often a browser says that its user is still typing. */
export const TYPING_SAID_EVERY_MS = 2500;

/** Why a socket was closed, by its close code (DESIGN.md section 6). */
export const CLOSED = {
  BAD_FRAMES: 4400,
  SIGNED_OUT: 4401,
  REMOVED: 4403,
  NOT_A_PARTICIPANT: 4404,
  TOO_SLOW: 4408,
  ENDED: 4409,
  TOO_BIG: 1009,
  RESTARTING: 1012,
} as const;

/** How many characters a text has: code points, as Postgres counts them. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
