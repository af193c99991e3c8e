/**
 * Who the tests speak of. Olive, a customer, owns a 2009 Golf that shakes;
 * Marco is the mechanic in her session, Nadia a mechanic who is not; Dana
 * dispatches; Vic is a visitor without a login.
 */
import { createHash } from "node:crypto";
import type pg from "pg";

/** Those who can sign in. */
export type Player = "olive" | "marco" | "nadia" | "dana" | "oscar";

/** What each player's cookie holds. */
export function tokenOf(player: Player): string {
  return createHash("sha256").update(`the secret of ${player}`).digest("base64url");
}

/** The proof each player's login stands on, as the app would send it. */
export function proofOf(player: Player): string {
  return createHash("sha256").update(tokenOf(player)).digest("hex");
}

/** The ids of the cast. Oscar is another customer, with a session of his own. */
export const USERS: Record<Player, string> = {
  olive: "00000000-0000-4000-8000-000000000001",
  marco: "00000000-0000-4000-8000-000000000002",
  nadia: "00000000-0000-4000-8000-000000000003",
  dana: "00000000-0000-4000-8000-000000000004",
  oscar: "00000000-0000-4000-8000-000000000005",
};

/** Olive's Quick Chat, in which Marco sits, and Oscar's, in which nobody does yet. */
export const SESSIONS = {
  olives: "10000000-0000-4000-8000-000000000001",
  oscars: "10000000-0000-4000-8000-000000000002",
};

/** Puts the cast on. `client` is an administrator. */
export async function castOn(client: pg.Client): Promise<void> {
  await client.query(`
    insert into auth.users (id, email, name, role) values
      ('${USERS.olive}', 'olive@wrenchline.test', 'Olive', 'customer'),
      ('${USERS.marco}', 'marco@wrenchline.test', 'Marco', 'mechanic'),
      ('${USERS.nadia}', 'nadia@wrenchline.test', 'Nadia', 'mechanic'),
      ('${USERS.dana}', 'dana@wrenchline.test', 'Dana', 'dispatcher'),
      ('${USERS.oscar}', 'oscar@wrenchline.test', 'Oscar', 'customer');
    insert into app.sessions (id, type, plan, length_minutes, metadata) values
      ('${SESSIONS.olives}', 'chat', 'chat10', 10, '{"customer_email": "olive@wrenchline.test"}'),
      ('${SESSIONS.oscars}', 'chat', 'chat10', 10, '{"customer_email": "oscar@wrenchline.test"}');
    insert into app.session_participants (session_id, user_id, role) values
      ('${SESSIONS.olives}', '${USERS.olive}', 'customer'),
      ('${SESSIONS.olives}', '${USERS.marco}', 'mechanic'),
      ('${SESSIONS.oscars}', '${USERS.oscar}', 'customer');
    insert into app.intakes (user_id, session_id, vehicle, complaint) values
      ('${USERS.olive}', '${SESSIONS.olives}', '2009 Golf', 'It shakes at 50');
  `);
  for (const player of Object.keys(USERS) as Player[]) {
    await client.query(
      "insert into auth.logins (proof_hash, user_id) values (sha256(convert_to($1, 'UTF8')), $2)",
      [proofOf(player), USERS[player]],
    );
  }
}
