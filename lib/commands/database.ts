import { type Embedded, joinEmbedded, LOGINS, type PerLogin } from "../db/embedded.ts";
import { DATA } from "./project.ts";

/** The database that the `db:` commands work on. */
export interface Database extends AsyncDisposable {
  adminUrl: string;
  /** Those passwords of our logins that are known here. */
  passwords: Partial<PerLogin>;
  /** The embedded Postgres, when that is the one. */
  embedded?: Embedded;
}

/** The database at MIGRATION_DATABASE_URL or, when nothing is configured, the embedded one. */
export async function openDatabase(): Promise<Database> {
  const adminUrl = Deno.env.get("MIGRATION_DATABASE_URL");
  if (adminUrl) {
    return { adminUrl, passwords: configuredPasswords(), async [Symbol.asyncDispose]() {} };
  }
  if (Deno.env.get("DATABASE_URL")) {
    console.error("Set MIGRATION_DATABASE_URL to an administrator's URL of that database.");
    Deno.exit(1);
  }
  const embedded = await joinEmbedded({ dir: DATA });
  const { passwords } = embedded;
  return {
    adminUrl: embedded.adminUrl,
    passwords,
    embedded,
    [Symbol.asyncDispose]: () => embedded.stop(),
  };
}

/** The logins get the passwords that the app will use, and thus need be told only once. */
function configuredPasswords(): Partial<PerLogin> {
  const urls = {
    web: Deno.env.get("DATABASE_URL"),
    relay: Deno.env.get("RELAY_DATABASE_URL"),
    backstage: Deno.env.get("BACKSTAGE_DATABASE_URL"),
  };
  const passwords: Partial<PerLogin> = {};
  for (const [login, url] of Object.entries(urls) as [keyof typeof urls, string | undefined][]) {
    if (!url) continue;
    const { username, password } = new URL(url);
    if (decodeURIComponent(username) === LOGINS[login] && password) {
      passwords[login] = decodeURIComponent(password);
    }
  }
  return passwords;
}
