/** `deno task db:psql`: opens psql as the DBA or, where there is no psql, says what to connect to. */
import { bringUpToDate } from "../db/migrate.ts";
import { openDatabase } from "./database.ts";

await using database = await openDatabase();
if (database.embedded) await bringUpToDate(database.adminUrl, database.passwords);
// Elsewhere the DBAs have logins of their own, and this is the only one we know.
const url = database.embedded?.urls.dba ?? database.adminUrl;
Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C cancels a statement in psql, and ends nothing
try {
  await new Deno.Command("psql", { args: [url, ...Deno.args] }).spawn().status;
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  console.log(`There is no psql here. The database is at ${url}`);
  if (database.embedded) console.log("It runs while `deno task start` does.");
}
