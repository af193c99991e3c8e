/**
 * Brings a database up to date: roles, then migrations (what we store), then
 * the chapters (what may be done), rebuilt only when they changed. Safe when
 * several processes start at once, and quick when there is nothing to do.
 */
import { Logger, runMigrations as runWorkerMigrations } from "graphile-worker";
import pg from "pg";
import { runner } from "node-pg-migrate";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

/** The passwords of the four logins; one that is absent keeps what it has. */
export interface LoginPasswords {
  web?: string;
  relay?: string;
  backstage?: string;
  dba?: string;
}

/**
 * Makes or updates everything in the database that `adminUrl` points at. The
 * administrator must be a superuser, or on a managed server whoever may create roles.
 */
export async function bringUpToDate(
  adminUrl: string,
  passwords: LoginPasswords = {},
): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    const { rows: [{ server_version_num }] } = await admin.query("show server_version_num");
    refuseOldMinors(Number(server_version_num));
    // Held by this connection until it closes: the other processes wait here.
    await admin.query("select pg_advisory_lock(8711947)");
    await makeRoles(admin);
    await closeDatabase(admin);
    await setPasswords(admin, passwords);
    await admin.query("set role wrenchline_owner");
    const migrated = await migrate(admin);
    await rebuildChapters(admin, adminUrl, migrated);
  } finally {
    await admin.end();
  }
}

/** Closes one database to everyone who was not named; `admin` is connected to it as an administrator. */
export async function closeDatabase(admin: pg.Client): Promise<void> {
  await admin.query(await Deno.readTextFile(new URL("database.sql", SQL)));
}

/** The files of `sql/` below `folder`, in the order they are run. */
export async function sqlFiles(
  folder: "migrations" | "logic",
): Promise<{ name: string; text: string }[]> {
  const directory = new URL(`${folder}/`, SQL);
  const names = (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name))
    .filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(names.map(async (name) => ({
    name,
    text: await Deno.readTextFile(new URL(name, directory)),
  })));
}

const SQL = new URL("../../sql/", import.meta.url);

const quiet = new Logger(() => () => {});

/** Lowest minors without the known holes in row security. */
const SAFE_MINORS: Record<number, number> = { 15: 18, 17: 10, 18: 4 };

/** Throws for a Postgres whose row security is known to have holes. `version` is its server_version_num. */
export function refuseOldMinors(version: number): void {
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000];
  const newest = Math.max(...Object.keys(SAFE_MINORS).map(Number));
  if (major > newest || minor >= (SAFE_MINORS[major] ?? Infinity)) return;
  const wanted = Object.entries(SAFE_MINORS).map(([major, minor]) => `${major}.${minor}`).join(
    ", ",
  );
  throw new Error(
    `Postgres ${major}.${minor} has known holes in row security; use ${wanted} or a later minor of these.`,
  );
}

/** Our lock is one database's and roles are the cluster's: another database may be brought up at this moment. */
async function makeRoles(admin: pg.Client): Promise<void> {
  const text = await Deno.readTextFile(new URL("roles.sql", SQL));
  for (let tries = 20; tries > 0; tries--) {
    try {
      return void await admin.query(text);
    } catch (error) {
      const { message } = error as Error;
      if (!/concurrently|already exists|duplicate key/.test(message) || tries === 1) throw error;
    }
  }
}

async function setPasswords(admin: pg.Client, passwords: LoginPasswords): Promise<void> {
  const given = Object.entries(passwords).filter(([, password]) => password);
  if (given.length === 0) return;
  await admin.query("begin");
  // The server log must not learn them, whatever log_statement says.
  const { rows } = await admin.query("select rolsuper from pg_roles where rolname = current_user");
  if (rows[0].rolsuper) await admin.query("set local log_statement = 'none'");
  for (const [login, password] of given) {
    await admin.query(
      `alter role ${admin.escapeIdentifier(`wrenchline_${login}`)} password ${
        admin.escapeLiteral(password)
      }`,
    );
  }
  await admin.query("commit");
}

async function migrate(owner: pg.Client): Promise<boolean> {
  const ran = await runner({
    dbClient: owner,
    dir: fileURLToPath(new URL("migrations", SQL)),
    direction: "up",
    migrationsTable: "migrations",
    migrationsSchema: "private",
    createMigrationsSchema: true,
    logger: { debug: () => {}, info: () => {}, warn: console.warn, error: console.error },
  });
  return ran.length > 0;
}

async function rebuildChapters(
  owner: pg.Client,
  adminUrl: string,
  migrated: boolean,
): Promise<void> {
  const chapters = await sqlFiles("logic");
  const hash = createHash("sha256").update(JSON.stringify(chapters)).digest("hex");
  const { rowCount } = await owner.query("select from private.rebuilds where chapters_hash = $1", [
    hash,
  ]);
  if (rowCount === 1 && !migrated) return;

  // The job runner's own tables, made by its own migrations but owned by us.
  const pool = new pg.Pool({
    connectionString: adminUrl,
    options: "-c role=wrenchline_owner",
    max: 1,
  });
  // What went wrong is thrown by the call below; without these the library warns.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  await runWorkerMigrations({ pgPool: pool, logger: quiet }).finally(() => pool.end());
  await owner.query("begin");
  try {
    // A busy table fails the deploy rather than freezing the chat.
    await owner.query("set local lock_timeout = '3s'");
    for (const { name, text } of chapters) {
      await owner.query(text).catch((error) => {
        throw new Error(`sql/logic/${name}: ${error.message}`, { cause: error });
      });
    }
    await owner.query("delete from private.rebuilds");
    await owner.query("insert into private.rebuilds (chapters_hash) values ($1)", [hash]);
    await owner.query("commit");
  } catch (error) {
    await owner.query("rollback");
    throw error;
  }
}
