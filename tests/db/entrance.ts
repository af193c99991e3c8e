/** The real door, to a database of its own in which the cast is on. */
import { strict as assert } from "node:assert";
import { closeDoors, type Login, type Tx, writing } from "@/lib/db/door.ts";
import { useEnvironment } from "@/lib/environment.ts";
import { castOn, type Player, proofOf } from "../support/cast.ts";
import { asAdmin, freshDatabase, type TestDatabase } from "../support/database.ts";

/** A database whose door is open. */
export interface Entrance extends AsyncDisposable {
  db: TestDatabase;
  /** Runs SQL as the administrator. */
  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  /**
   * Runs statements of an attacker's own in one request, and answers with the
   * last one's rows. What the door itself does not carry is then tried on a
   * bare connection of the web login that is who the door would make it.
   */
  attack(login: Login, ...statements: string[]): Promise<Record<string, unknown>[]>;
  /** Has the door use another address, such as a proxy's, for all its logins. */
  moveTo(via: (url: string) => string): void;
}

/** Opens a door. One at a time in a test file, because the environment is the process's. */
export async function openDoor(): Promise<Entrance> {
  const db = await freshDatabase();
  await asAdmin(db.adminUrl, castOn);
  const moveTo = (via: (url: string) => string) =>
    void useEnvironment({
      DATABASE_URL: via(db.webUrl),
      RELAY_DATABASE_URL: via(db.relayUrl),
      BACKSTAGE_DATABASE_URL: via(db.backstageUrl),
      STRIPE_SECRET_KEY: "sk_test_x",
      STRIPE_WEBHOOK_SECRET: "whsec_x",
      STRIPE_PRICE_CHAT10: "price_chat10",
      STRIPE_PRICE_VIDEO15: "price_video15",
      STRIPE_PRICE_DIAGNOSTIC: "price_diagnostic",
      PUBLIC_URL: "http://localhost:8000",
    });
  moveTo((url) => url);
  return {
    db,
    sql: (text, values) =>
      asAdmin(db.adminUrl, async (admin) => (await admin.query(text, values)).rows),
    async attack(login, ...statements) {
      const through = writing(
        login,
        (tx) => Promise.all(statements.map((text) => inject(tx, text))),
      );
      if (statements.every((text) => /^\s*(select|insert|update|delete)/.test(text))) {
        return (await through).at(-1)!;
      }
      await assert.rejects(through, /carries queries only/);
      return await asAdmin(db.webUrl, async (web) => {
        await web.query("begin");
        await web.query(
          "select set_config('role', auth.role_for_proof($1), true), set_config('app.proof', $1, true)",
          [login.proof ?? ""],
        );
        let rows: Record<string, unknown>[] = [];
        for (const text of statements) ({ rows } = await web.query(text));
        await web.query("commit");
        return rows;
      });
    },
    moveTo,
    async [Symbol.asyncDispose]() {
      await closeDoors();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** A player's login. */
export function loginOf(player: Player): Login {
  return { proof: proofOf(player) };
}

/** Somebody without a login. */
export const VISITOR: Login = { proof: null };

/**
 * Asks so often at once that every connection a login may have is used, and
 * open afterwards; answers with what each request was told.
 */
export function everywhere<T>(ask: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: 40 }, ask));
}

/** Sends `text` as it is, as if the code had pasted a caller's value into it. */
export function inject<Row extends object = Record<string, unknown>>(
  tx: Tx,
  text: string,
): Promise<Row[]> {
  return tx<Row>(Object.assign([text], { raw: [text] }));
}
