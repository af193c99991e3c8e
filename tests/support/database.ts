/** Databases for tests: a template is built once a cluster, and every test file gets a copy. */
import pg from "pg";
import { createHash } from "node:crypto";
import { bringUpToDate, closeDatabase, sqlFiles } from "@/lib/db/migrate.ts";
import { testCluster } from "./cluster.ts";

/** A database of one's own, dropped when disposed of. */
export interface TestDatabase extends AsyncDisposable {
  adminUrl: string;
  webUrl: string;
  relayUrl: string;
  backstageUrl: string;
  dbaUrl: string;
}

const PASSWORDS = { web: "web", relay: "relay", backstage: "backstage", dba: "dba" };

/** A fresh copy of the template, in the test cluster. */
export async function freshDatabase(): Promise<TestDatabase> {
  const { adminUrl } = await testCluster();
  const template = await templateIn(adminUrl);
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await asAdmin(adminUrl, (admin) => admin.query(`create database ${name} template ${template}`));
  const url = at(adminUrl, name);
  await asAdmin(url, closeDatabase);
  const as = (login: keyof typeof PASSWORDS) => {
    const its = new URL(url);
    [its.username, its.password] = [`wrenchline_${login}`, PASSWORDS[login]];
    return its.href;
  };
  return {
    adminUrl: url,
    webUrl: as("web"),
    relayUrl: as("relay"),
    backstageUrl: as("backstage"),
    dbaUrl: as("dba"),
    async [Symbol.asyncDispose]() {
      await asAdmin(adminUrl, (admin) => admin.query(`drop database ${name} with (force)`));
    },
  };
}

/** Runs `act` on a connection of its own. */
export async function asAdmin<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {}); // a test may kill it
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

function at(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/** The template of today's SQL, built by whichever test file comes first. */
function templateIn(adminUrl: string): Promise<string> {
  return templates[adminUrl] ??= asAdmin(adminUrl, async (admin) => {
    const files = [
      await Deno.readTextFile(new URL("../../sql/roles.sql", import.meta.url)),
      ...await sqlFiles("migrations"),
      ...await sqlFiles("logic"),
    ];
    const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
    const name = `template_${hash}`;
    await admin.query("select pg_advisory_lock(8711948)");
    const { rowCount } = await admin.query(
      "select from pg_database where datname = $1 and datistemplate",
      [name],
    );
    if (rowCount === 0) {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name}`);
      await bringUpToDate(at(adminUrl, name), PASSWORDS);
      await admin.query(`alter database ${name} is_template true`);
    }
    return name;
  });
}

const templates: Record<string, Promise<string>> = {};
