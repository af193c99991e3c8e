// Signing in and out. The cookie holds a random token; what the app passes on is its
// digest, the proof, and what the database keeps is the digest of that.

import { type Login, reading, type Tx, writing } from "@/lib/db/door.ts";
import { environment } from "@/lib/environment.ts";

/** Who is asking. */
export interface ViewerView {
  userId: string;
  name: string;
  email: string | null;
  role: "customer" | "mechanic" | "dispatcher";
  isGuest: boolean;
}

/** What came of a code or a link. With `signed_in` comes the cookie to set. */
export type SignIn =
  | { outcome: "signed_in"; cookie: string; role: ViewerView["role"]; redirect: string | null }
  | { outcome: "wrong"; triesLeft: number }
  | { outcome: "expired" | "locked" };

/** Nobody. */
export const NOBODY: Login = { proof: null };

/** As long as the row in auth.logins lasts. */
const COOKIE_LASTS_SECONDS = 30 * 24 * 60 * 60;

/** A token as we make them: 32 bytes in base64url. Anything else is not looked up. */
const TOKEN = /^[\w-]{43}$/;

/** The login a request comes with, by its cookie. What it is worth, the database decides. */
export async function loginFrom(req: Request): Promise<Login> {
  const name = cookieName();
  for (const pair of (req.headers.get("cookie") ?? "").split(";")) {
    const [key, value] = pair.trim().split("=", 2);
    if (key === name && TOKEN.test(value ?? "")) return { proof: await proofOf(value) };
  }
  return NOBODY;
}

/** Makes a guest of this browser, so that payer and cookie are bound. Raises SLOWD. */
export async function continueAsGuest(client: string): Promise<{ login: Login; cookie: string }> {
  const { proof, cookie } = await newLogin();
  await writing(NOBODY, (tx) => tx`select api.continue_as_guest(${proof}, ${client})`);
  return { login: { proof }, cookie };
}

/** The user this login is, or else a new guest, whose `cookie` is then to be set. Raises SLOWD. */
export async function userOrGuest(
  login: Login,
  client: string,
): Promise<{ login: Login; cookie: string | null }> {
  return await viewer(login) ? { login, cookie: null } : await continueAsGuest(client);
}

/**
 * Mails a code and a link, and tells nothing of whether the address is known. Answers with
 * the id of what was asked for, which makes the code this browser's. `redirect` is where to
 * go once signed in. Raises BADIN, SLOWD.
 */
export async function askForCode(
  login: Login,
  { email, client, redirect }: { email: string; client: string; redirect: string | null },
): Promise<string> {
  const [{ asked }] = await writing(
    login,
    (tx) =>
      tx<{ asked: string }>`select api.ask_for_code(${email}, ${client}, ${redirect}) as asked`,
  );
  return asked;
}

/**
 * Signs in with the code that was mailed. The purchases of the guest who asked come along.
 * `asked` is what `askForCode` answered, or "" for the last code. Raises SLOWD, DNIED.
 */
export async function signInWithCode(
  login: Login,
  { email, code, client, asked }: { email: string; code: string; client: string; asked: string },
): Promise<SignIn> {
  const { proof, cookie } = await newLogin();
  const [row] = await writing(login, (tx) =>
    tx<{ answer: Answer }>`
      select api.sign_in_with_code(${email}, ${code}, ${proof}, ${client}, ${
      asked || null
    }) as answer`);
  return told(row.answer, cookie);
}

/** Signs in with the token of the mailed link. Raises SLOWD, DNIED. */
export async function signInWithLink(
  login: Login,
  { token, client }: { token: string; client: string },
): Promise<SignIn> {
  const { proof, cookie } = await newLogin();
  const [row] = await writing(login, (tx) =>
    tx<{ answer: Answer }>`
      select api.sign_in_with_link(${token}, ${proof}, ${client}) as answer`);
  return told(row.answer, cookie);
}

/** Ends this login. Harmless when it had ended already. */
export async function signOut(login: Login): Promise<void> {
  await writing(login, (tx) => tx`select api.sign_out()`);
}

/** Ends every login of this user, open sockets included. Raises LOGIN. */
export async function signOutEverywhere(login: Login): Promise<void> {
  await writing(login, (tx) => tx`select api.sign_out_everywhere()`);
}

/** Who this login is, or null. */
export async function viewer(login: Login): Promise<ViewerView | null> {
  return login.proof === null ? null : await reading(login, viewerIn);
}

/** The same, asked together with what else a page shows. */
export async function viewerIn(tx: Tx): Promise<ViewerView | null> {
  const [row] = await tx<{ viewer: ViewerView | null }>`select api.viewer() as viewer`;
  return row.viewer;
}

/** The Set-Cookie value that makes a browser forget its login. */
export function clearedCookie(): string {
  return cookieWith("", 0);
}

type Answer = {
  outcome: SignIn["outcome"];
  triesLeft?: number;
  role?: ViewerView["role"];
  redirect?: string | null;
};

function told(answer: Answer, cookie: string): SignIn {
  switch (answer.outcome) {
    case "signed_in":
      return {
        outcome: "signed_in",
        cookie,
        role: answer.role!,
        redirect: answer.redirect ?? null,
      };
    case "wrong":
      return { outcome: "wrong", triesLeft: answer.triesLeft ?? 0 };
    default:
      return { outcome: answer.outcome };
  }
}

async function newLogin(): Promise<{ proof: string; cookie: string }> {
  const token = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  return { proof: await proofOf(token), cookie: cookieWith(token, COOKIE_LASTS_SECONDS) };
}

async function proofOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return new Uint8Array(digest).toHex();
}

function isSecure(): boolean {
  return environment().publicUrl.protocol === "https:";
}

/** The prefix makes browsers refuse the cookie from other hosts, paths and plain http. */
function cookieName(): string {
  return isSecure() ? "__Host-login" : "login";
}

function cookieWith(token: string, maxAge: number): string {
  const secure = isSecure() ? "; Secure" : "";
  return `${cookieName()}=${token}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`;
}
