/** What SQL tests look at behind the scenes: jobs, committed copies, and who waits for whom. */
import { strict as assert } from "node:assert";
import pg from "pg";
import { castOn, type Player, proofOf } from "../support/cast.ts";
import { asAdmin, freshDatabase, type TestDatabase } from "../support/database.ts";
import { actAs, type StageTx } from "../support/stage.ts";

/** The payloads of the jobs of one kind, oldest first. Leaves the administrator on the stage. */
export async function jobs(tx: StageTx, task: string): Promise<Record<string, string>[]> {
  await actAs(tx, "admin");
  const rows = await tx<{ payload: Record<string, string> }>`
    select j.payload from graphile_worker._private_jobs j
    join graphile_worker._private_tasks t on t.id = j.task_id
    where t.identifier = ${task} order by j.id`;
  return rows.map(({ payload }) => payload);
}

/** A proof nobody has used yet, as the app makes one for a new cookie. */
export function newProof(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** One connection of somebody, for tests in which two people press at once. */
export interface Hand {
  <Row extends object = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): Promise<Row[]>;
  raw(text: string): Promise<pg.QueryResult>;
  /** Listens, and answers whenever asked with what rang since. */
  bells(channel: string): Promise<() => Promise<string[]>>;
  pid: number;
}

/** A database in which things commit. */
export interface Copy {
  db: TestDatabase;
  /** Opens a connection; players' and visitors' go through the web login and are told who they are by `begin`. */
  hand(who: Player | "admin" | "dba" | "relay" | "backstage" | "vic"): Promise<Hand>;
  /** Resolves when `hand` waits for somebody's lock; fails when its statement ends without waiting. */
  isWaiting(hand: Hand, statement: Promise<unknown>): Promise<void>;
}

/** Plays on a copy of its own, with the cast on and committed. */
export async function onCopy(play: (copy: Copy) => Promise<void>): Promise<void> {
  await using db = await freshDatabase();
  await asAdmin(db.adminUrl, castOn);
  const clients: pg.Client[] = [];

  async function open(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    clients.push(client);
    client.on("error", () => {}); // the database is dropped under whoever still waits
    await client.connect();
    return client;
  }

  const watcher = await open(db.adminUrl);
  try {
    await play({
      db,
      async hand(who) {
        const urls = {
          admin: db.adminUrl,
          dba: db.dbaUrl,
          relay: db.relayUrl,
          backstage: db.backstageUrl,
        };
        const client = await open(who in urls ? urls[who as keyof typeof urls] : db.webUrl);
        const proof = who === "vic" ? "" : proofOf(who as Player);
        const begin = `begin; select set_config('role', auth.role_for_proof('${proof}'), true),
          set_config('app.proof', '${proof}', true)`;
        const hand = async (strings: TemplateStringsArray, ...values: unknown[]) => {
          const text = strings.reduce((text, string, i) => `${text}$${i}${string}`);
          return (await client.query(text, values)).rows;
        };
        const { rows: [{ pid }] } = await client.query("select pg_backend_pid() as pid");
        return Object.assign(hand as Hand, {
          pid,
          raw: (text: string) => client.query(text === "begin" && !(who in urls) ? begin : text),
          async bells(channel: string) {
            const rang: string[] = [];
            client.on("notification", ({ payload }) => rang.push(payload ?? ""));
            await client.query(`listen ${channel}`);
            return async () => {
              await client.query("select 1"); // bells of earlier commits come before its answer's end
              return rang.splice(0);
            };
          },
        });
      },
      async isWaiting(hand, statement) {
        let ended = false;
        statement.then(() => ended = true, () => ended = true);
        while (!ended) {
          const { rows: [{ waits }] } = await watcher.query(
            "select pg_blocking_pids($1) <> '{}' as waits",
            [hand.pid],
          );
          if (waits) return;
        }
        assert.fail("it did not wait");
      },
    });
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
