/** The house rules, asked of the catalog: each test lists what breaks one, and the list is empty. */
import { strict as assert } from "node:assert";
import { REFUSALS } from "@/lib/db/refusals.ts";
import { sqlFiles } from "@/lib/db/migrate.ts";
import { onStage, type StageTx } from "../support/stage.ts";

const OURS = "any ('{app,api,auth,private}'::regnamespace[])";

/** The one column that a query of the catalog answers with. */
async function listed(tx: StageTx, query: string): Promise<string[]> {
  const { rows } = await tx.raw(query);
  return rows.map((row) => String(Object.values(row)[0]));
}

/** A rule: what breaks it is listed by `query`, which sees what we have and finds `offender` once that was made. */
function rule(title: string, query: string, offender?: { sql: string; listed: string }): void {
  Deno.test(title, () =>
    onStage(async (tx) => {
      assert.deepEqual(await listed(tx, query), []);
      if (!offender) return;
      await tx.raw(offender.sql); // the rule can tell
      assert.deepEqual(await listed(tx, query), [offender.listed]);
    }));
}

rule(
  "every table has row security on",
  `select c.oid::regclass from pg_class c
   where c.relkind in ('r', 'p') and not c.relrowsecurity
     and c.relnamespace = ${OURS}`,
  { sql: "create table app.oops (id int)", listed: "app.oops" },
);

rule(
  "every table, view and function says in a comment what it is for",
  `select c.oid::regclass::text from pg_class c
   where c.relnamespace = ${OURS} and c.relkind in ('r', 'p', 'v') and obj_description(c.oid, 'pg_class') is null
   union all
   select p.oid::regprocedure::text from pg_proc p
   where p.pronamespace = ${OURS} and obj_description(p.oid, 'pg_proc') is null`,
  {
    sql: "create function api.oops() returns int language sql as 'select 1'",
    listed: "api.oops()",
  },
);

rule(
  "every function pins its search path, and pg_temp is the end of it",
  `select p.oid::regprocedure from pg_proc p
   where p.pronamespace = ${OURS}
     and p.proconfig is distinct from array['search_path=pg_catalog, pg_temp']`,
  {
    sql:
      `create function api.oops() returns int language sql set search_path = pg_temp, pg_catalog as 'select 1'`,
    listed: "api.oops()",
  },
);

rule(
  "no function of ours may be called by just anybody",
  `select p.oid::regprocedure from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
   where p.pronamespace = ${OURS} and g.grantee = 0`,
  {
    sql: `grant execute on function api.viewer() to public`,
    listed: "api.viewer()",
  },
);

rule(
  "nothing of ours is PUBLIC's",
  `select format('%s on %s', g.privilege_type, o.name) from (
     select c.oid::regclass::text as name, c.relacl as acl from pg_class c where c.relnamespace = ${OURS}
     union all
     select a.attrelid::regclass || '.' || a.attname, a.attacl
     from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = ${OURS}
     union all
     select 'schema ' || n.nspname, n.nspacl from pg_namespace n
     where n.oid = ${OURS} or n.nspname in ('public', 'graphile_worker')
     union all
     select 'database', d.datacl from pg_database d where d.datname = current_database()
   ) o, aclexplode(o.acl) g where g.grantee = 0`,
  { sql: "grant usage on schema public to public", listed: "USAGE on schema public" },
);

rule(
  "every foreign key says what happens on delete, and has an index to find out quickly",
  `select format('%s on %s', k.conname, k.conrelid::regclass) from pg_constraint k
   where k.contype = 'f' and k.connamespace = ${OURS}
     and (k.confdeltype not in ('c', 'r', 'n') or not exists (
       select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
         and (i.indkey::int2[])[0 : cardinality(k.conkey) - 1] @> k.conkey
     ))`,
  {
    sql: "create table app.oops (plan text references app.plans on delete cascade)",
    listed: "oops_plan_fkey on app.oops",
  },
);

rule(
  "what walks past row security is owned by wrenchline_owner, who is no superuser",
  `select p.oid::regprocedure::text from pg_proc p join pg_roles r on r.oid = p.proowner
   where p.pronamespace = ${OURS} and (r.rolname <> 'wrenchline_owner' or r.rolsuper or r.rolbypassrls or r.rolcanlogin)
   union all
   select c.oid::regclass::text from pg_class c join pg_roles r on r.oid = c.relowner
   where (c.relnamespace = ${OURS} or c.relnamespace = 'graphile_worker'::regnamespace) and r.rolname <> 'wrenchline_owner'`,
  {
    sql: "create function api.oops() returns int language sql security definer as 'select 1'",
    listed: "api.oops()",
  },
);

rule(
  "every trigger fires always, also where session_replication_role is replica",
  `select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
   where c.relnamespace = ${OURS} and not t.tgisinternal and t.tgenabled <> 'A'`,
  {
    sql: "alter table app.sessions enable trigger _100_version",
    listed: "_100_version",
  },
);

rule(
  "no trigger is deferred: whose role it would run as differs between 15 and 18",
  `select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
   where c.relnamespace = ${OURS} and not t.tgisinternal and t.tgdeferrable`,
);

rule(
  "every view asks with the rights of whoever looks",
  `select c.oid::regclass from pg_class c
   where c.relkind in ('v', 'm') and c.relnamespace = ${OURS}
     and not coalesce(c.reloptions, '{}') @> '{security_invoker=true}'`,
  { sql: "create view api.oops as select 1", listed: "api.oops" },
);

rule(
  "no default, check or index calls a function of ours, which a rebuild could not drop",
  `select format('%s in %s', d.refobjid::regprocedure, d.classid::regclass) from pg_depend d join pg_proc p on p.oid = d.refobjid
   where d.refclassid = 'pg_proc'::regclass and p.pronamespace = ${OURS}
     and d.classid in ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)`,
  {
    sql: "alter table app.plans alter tagline set default auth.uid()::text",
    listed: "auth.uid() in pg_attrdef",
  },
);

rule(
  "every policy asks who is asking once a statement, not once a row",
  `select format('%s on %s', p.polname, p.polrelid::regclass) from pg_policy p join pg_class c on c.oid = p.polrelid,
     regexp_replace(
       coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
       'SELECT auth\\.', '', 'g'
     ) as bare
   where c.relnamespace = ${OURS} and bare ~ 'auth\\.|api\\.|private\\.'`,
  {
    sql: "create policy oops on app.plans using (id = auth.uid()::text)",
    listed: "oops on app.plans",
  },
);

rule(
  "every policy names its roles, is permissive, and is named after its command",
  `select format('%s on %s', p.polname, p.polrelid::regclass) from pg_policy p join pg_class c on c.oid = p.polrelid
   where c.relnamespace = ${OURS} and (p.polroles = '{0}' or not p.polpermissive or split_part(p.polname, '_', 1) <>
     case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end)`,
  {
    sql: "create policy oops on app.plans for select using (true)",
    listed: "oops on app.plans",
  },
);

rule(
  "the web, relay and backstage logins own nothing",
  `select format('%s of %s', d.objid, d.refobjid::regrole) from pg_shdepend d
   where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
     and d.refobjid in ('wrenchline_web'::regrole, 'wrenchline_relay'::regrole, 'wrenchline_backstage'::regrole)`,
);

Deno.test("what the owner makes is closed until it is granted", () =>
  onStage(async (tx) => {
    await tx.raw(`set local role wrenchline_owner;
      create function app.oops() returns int language sql as 'select 1';
      create table app.oops (id int); reset role`);
    const may = () =>
      tx`select has_function_privilege('wrenchline_web', 'app.oops()', 'execute') as call,
      has_table_privilege('wrenchline_web', 'app.oops', 'select, insert, update, delete') as touch`;
    assert.deepEqual(await may(), [{ call: false, touch: false }]);
    await tx.raw(
      "grant execute on function app.oops() to wrenchline_web; grant select on app.oops to wrenchline_web",
    );
    assert.deepEqual(await may(), [{ call: true, touch: true }]);
  }));

Deno.test("the web login holds no table, may ask but one function, and can become exactly four others", () =>
  onStage(async (tx) => {
    assert.deepEqual(
      await listed(
        tx,
        `select m.roleid::regrole::text from pg_auth_members m where m.member = 'wrenchline_web'::regrole order by 1`,
      ),
      ["wrenchline_anon", "wrenchline_customer", "wrenchline_dispatcher", "wrenchline_mechanic"],
    );
    assert.deepEqual(
      await listed(
        tx,
        `select rolname from pg_roles r where rolname like 'wrenchline%' and rolname <> 'wrenchline_web'
           and exists (select from pg_auth_members m where m.member = r.oid)`,
      ),
      [],
      "and nobody else can become anyone",
    );
    assert.deepEqual(
      await listed(
        tx,
        `select c.oid::regclass::text from pg_class c
         where c.relnamespace = ${OURS} and c.relkind in ('r', 'p', 'v') and has_any_column_privilege('wrenchline_web', c.oid, 'select, insert, update')`,
      ),
      [],
    );
    assert.deepEqual(
      await listed(
        tx,
        `select p.oid::regprocedure::text from pg_proc p
         where p.pronamespace = ${OURS} and has_function_privilege('wrenchline_web', p.oid, 'execute')`,
      ),
      ["auth.role_for_proof(text)"],
    );
  }));

Deno.test("every refusal SQL can raise has words, and no words are left over", async () => {
  const chapters = await sqlFiles("logic");
  const raised = new Set(
    chapters.flatMap(({ text }) =>
      [...text.matchAll(/errcode\s*=\s*'(\w{5})'/g)].map(([, c]) => c)
    ),
  );
  const known = new Set(Object.keys(REFUSALS));
  assert.deepEqual([...raised.difference(known)], []);
  // Raised by TypeScript alone, and one that waits for the mechanics' desk.
  assert.deepEqual([...known.difference(raised)].sort(), ["AWAY_", "BUSY_", "TAKEN"]);
  for (const code of known) {
    assert.match(code, /^[A-EG-OQ-WYZ][A-Z_]{4}$/, "the rest are Postgres' own");
  }
});
