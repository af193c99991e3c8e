/** The DBA's page tells the truth: its statements run, and it leaves out no file, code, function or role. */
import { strict as assert } from "node:assert";
import { REFUSALS } from "@/lib/db/refusals.ts";
import { sqlFiles } from "@/lib/db/migrate.ts";
import { actAs, onStage } from "../support/stage.ts";

const README = await Deno.readTextFile(new URL("../../sql/README.md", import.meta.url));

/** Every statement on the page, in blocks and in tables, in its order. */
const STATEMENTS = [
  ...README.matchAll(/```sql\n(.*?)```|`(select [^`]*;)`/gs),
].flatMap(([, block, inline]) => (block ?? inline).split(/;.*(?:\n|$)/)).filter((s) => s.trim());

Deno.test("every statement of sql/README.md runs", () =>
  onStage(async (tx, { session, users }) => {
    assert.ok(STATEMENTS.length > 15);
    const [{ id: checkout }] = await tx<{ id: string }>`
      insert into app.checkouts (user_id, intake_id, plan, amount_cents, currency, status)
      select user_id, id, 'chat10', 999, 'usd', 'refused' from app.intakes limit 1 returning id`;
    for (const statement of STATEMENTS) {
      await actAs(tx, /\brole ann\b/.test(statement) ? "admin" : "dba");
      const text = statement.replaceAll("<session id>", session)
        .replaceAll("<checkout id>", checkout)
        .replaceAll("<user id>", /'mechanic'|delete/.test(statement) ? users.nadia : users.olive)
        .replaceAll("marco@example.com", "enzo@wrenchline.test");
      // Each on its own: once refunded, nobody is let in any more.
      await tx.raw("savepoint before");
      if (/assign_mechanic/.test(text)) {
        await tx.raw("select create_mechanic('enzo@wrenchline.test', 'Enzo')");
      }
      await assert.doesNotReject(tx.raw(text), text);
      if (!/create role/.test(text)) await tx.raw("rollback to savepoint before");
    }
  }));

Deno.test("sql/README.md names every file, and no other", async () => {
  const files = ["roles.sql", "database.sql"];
  for (const folder of ["migrations", "logic"] as const) {
    files.push(...(await sqlFiles(folder)).map(({ name }) => `${folder}/${name}`));
  }
  assert.deepEqual([...README.matchAll(/^\| `([\w/]+\.sql)`/gm)].map(([, file]) => file), files);
});

Deno.test("sql/README.md names every code that SQL raises, with its status", async () => {
  const chapters = (await sqlFiles("logic")).map(({ text }) => text).join("");
  const named = new Map(
    [...README.matchAll(/`([A-Z]{5})` \| (\d{3})/g)].map(([, code, status]) => [code, +status]),
  );
  for (const [code, { status }] of Object.entries(REFUSALS)) {
    const expected = chapters.includes(`'${code}'`) ? status : undefined;
    assert.equal(named.get(code), expected, code);
  }
});

Deno.test("sql/README.md names every function and view that is a DBA's, and every role", () =>
  onStage(async (tx) => {
    const { rows } = await tx.raw(`
      select p.proname as name from pg_proc p
      where p.pronamespace = 'api'::regnamespace and has_function_privilege('wrenchline_dba', p.oid, 'execute')
      union all select c.relname from pg_class c
      where c.relnamespace = 'api'::regnamespace and has_table_privilege('wrenchline_dba', c.oid, 'select')
      union all select substring(rolname from 'wrenchline_(.*)') from pg_roles where rolname like 'wrenchline\\_%'`);
    assert.ok(rows.length >= 18);
    for (const { name } of rows) assert.match(README, new RegExp(`\\b${name}\\b`));
  }));
