/** `deno task db:reset`: empties the database and builds it anew. For this machine's databases only. */
import { asAdministrator } from "../db/admin.ts";
import { bringUpToDate } from "../db/migrate.ts";
import { openDatabase } from "./database.ts";

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

await using database = await openDatabase();
const url = new URL(database.adminUrl);
const name = decodeURIComponent(url.pathname.slice(1));
if (!LOCAL.includes(url.hostname) || url.searchParams.has("host")) {
  console.error(`Not emptying ${name} at ${url.hostname}: that is not this machine.`);
  Deno.exit(1);
}
await asAdministrator(database.adminUrl, async (client) => {
  const database = client.escapeIdentifier(name);
  await client.query(`drop database if exists ${database} with (force)`);
  await client.query(`create database ${database}`);
}, "postgres");
await bringUpToDate(database.adminUrl, database.passwords);
console.log(`The database ${name} is new and up to date.`);
