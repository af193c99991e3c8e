/**
 * The stage for SQL tests: a transaction in which the cast is on, that is
 * always rolled back. `actAs` is what the door does: the web login, the proof,
 * and the role SQL says it has.
 */
import pg from "pg";
import { castOn, type Player, proofOf, SESSIONS, USERS } from "./cast.ts";
import { freshDatabase } from "./database.ts";

/** A statement on the stage. */
export interface StageTx {
  <Row extends object = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): Promise<Row[]>;
  /** Runs what may fail, and undoes it when it does, so that the play can go on. */
  savepoint<T>(act: (tx: StageTx) => Promise<T>): Promise<T>;
  /** Statements that need no parameters, several at once if need be. */
  raw(text: string): Promise<pg.QueryResult>;
}

/** What a play has to work with. */
export interface Props {
  session: string;
  /** Oscar's session, in which Olive and Marco have no seat. */
  other: string;
  users: typeof USERS;
}

/** One database for all plays of this process. */
const database = freshDatabase();

/** Opens the stage, plays, and rolls back. */
export async function onStage(play: (tx: StageTx, props: Props) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: (await database).adminUrl });
  await client.connect();
  try {
    await client.query("begin");
    await castOn(client);
    await play(transaction(client), {
      session: SESSIONS.olives,
      other: SESSIONS.oscars,
      users: USERS,
    });
  } finally {
    await client.query("rollback");
    await client.end();
  }
}

/** Becomes a player, a visitor, or one of the technical logins until the next call. */
export async function actAs(tx: StageTx, who: Player | "vic" | Technical): Promise<void> {
  await tx.raw(
    "reset session authorization; reset role; set local app.proof = ''; set local search_path to default",
  );
  if (who === "admin") return;
  if (who in LOGINS) {
    await tx.raw(`set local session authorization ${LOGINS[who as keyof typeof LOGINS]}`);
    // A role's settings come with logging in, which this is not.
    if (who === "dba") await tx.raw("set local search_path = app, api, auth");
    return;
  }
  await actAsProof(tx, who === "vic" ? "" : proofOf(who as Player));
}

/** Becomes whoever holds a proof, through the web login as the door does. */
export async function actAsProof(tx: StageTx, proof: string): Promise<void> {
  await tx.raw(
    "reset session authorization; reset role; set local session authorization wrenchline_web",
  );
  await tx`select set_config('role', auth.role_for_proof(${proof}), true), set_config('app.proof', ${proof}, true)`;
}

/** Those who are no people. */
export type Technical = "admin" | "web" | "relay" | "backstage" | "dba";

const LOGINS = {
  web: "wrenchline_web",
  relay: "wrenchline_relay",
  backstage: "wrenchline_backstage",
  dba: "wrenchline_dba",
};

function transaction(client: pg.Client): StageTx {
  const tx = async (strings: TemplateStringsArray, ...values: unknown[]) => {
    const text = strings.reduce((text, string, i) => `${text}$${i}${string}`);
    return (await client.query(text, values)).rows;
  };
  return Object.assign(tx as StageTx, {
    raw: (text: string) => client.query(text),
    async savepoint<T>(act: (tx: StageTx) => Promise<T>): Promise<T> {
      const name = `s${crypto.randomUUID().replaceAll("-", "")}`;
      await client.query(`savepoint ${name}`);
      try {
        return await act(tx as StageTx);
      } catch (error) {
        await client.query(`rollback to savepoint ${name}`);
        throw error;
      } finally {
        await client.query(`release savepoint ${name}`);
      }
    },
  });
}
