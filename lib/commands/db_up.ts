/** `deno task db:up`: brings the database up to date, and gives the logins their passwords. */
import { bringUpToDate } from "../db/migrate.ts";
import { openDatabase } from "./database.ts";

await using database = await openDatabase();
await bringUpToDate(database.adminUrl, database.passwords);
console.log("The database is up to date.");
