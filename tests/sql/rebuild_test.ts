/** Bringing a database up to date: once, again, many at once, and after a chapter lost a line. */
import { strict as assert } from "node:assert";
import { bringUpToDate, refuseOldMinors, sqlFiles } from "@/lib/db/migrate.ts";
import { testCluster } from "../support/cluster.ts";
import { asAdmin, freshDatabase } from "../support/database.ts";

/** All that the chapters put up, with who may use it, and when that was. */
function standing(url: string) {
  return asAdmin(url, async (admin) => {
    const { rows } = await admin.query(`
      select format('policy %s on %s for %s to %s using %s check %s', polname, polrelid::regclass, polcmd,
        polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) as what
      from pg_policy
      union all select pg_get_functiondef(p.oid) || p.proacl::text || obj_description(p.oid, 'pg_proc')
      from pg_proc p where p.pronamespace = any ('{app,api,auth,private}'::regnamespace[])
      union all select pg_get_triggerdef(t.oid) || t.tgenabled::text from pg_trigger t where not t.tgisinternal
      union all select c.oid::regclass || c.relacl::text || coalesce(pg_get_viewdef(c.oid), '')
      from pg_class c where c.relnamespace = any ('{app,api,auth,private}'::regnamespace[]) and c.relacl is not null
      union all select c.oid::regclass || '.' || a.attname || a.attacl::text
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = any ('{app,api,auth,private}'::regnamespace[]) and a.attacl is not null
      order by 1`);
    const { rows: rebuilds } = await admin.query("select rebuilt_at from private.rebuilds");
    return { what: rows.map(({ what }) => what as string), rebuilds };
  });
}

Deno.test("bringUpToDate() changes nothing where nothing changed, and a rebuild gives the same again", async () => {
  await using db = await freshDatabase();
  const before = await standing(db.adminUrl);
  assert.ok(before.what.length > 100);
  await bringUpToDate(db.adminUrl);
  assert.deepEqual(await standing(db.adminUrl), before);

  await asAdmin(db.adminUrl, (admin) => admin.query("delete from private.rebuilds"));
  await bringUpToDate(db.adminUrl);
  const after = await standing(db.adminUrl);
  assert.deepEqual(after.what, before.what);
  assert.equal(after.rebuilds.length, 1);
  assert.notDeepEqual(after.rebuilds, before.rebuilds, "it was rebuilt");
});

Deno.test("what no chapter says any more is gone after a rebuild: policy, grant, function, trigger, view", async () => {
  await using db = await freshDatabase();
  const before = await standing(db.adminUrl);
  await asAdmin(db.adminUrl, (admin) =>
    admin.query(`
      set role wrenchline_owner;
      create policy select_everybody on app.sessions for select to wrenchline_anon using (true);
      grant select on app.sessions to wrenchline_relay;
      grant update (role) on auth.users to wrenchline_customer;
      create function private.tg_plans__old() returns trigger language plpgsql as 'begin return new; end';
      create trigger _900_old before update on app.plans for each row execute function private.tg_plans__old();
      create view api.old_sessions as select * from app.sessions;
      grant select on api.old_sessions to wrenchline_customer;
      update private.rebuilds set chapters_hash = 'of an older release'`));
  assert.ok((await standing(db.adminUrl)).what.length > before.what.length);
  await bringUpToDate(db.adminUrl);
  assert.deepEqual((await standing(db.adminUrl)).what, before.what);
});

Deno.test("a rebuild that fails leaves everything as it stood", async () => {
  await using db = await freshDatabase();
  await asAdmin(db.adminUrl, (admin) =>
    admin.query(`
      set role wrenchline_owner;
      create table app.extra (id uuid default auth.uid()); -- a default on a function of ours: the reset cannot drop it
      update private.rebuilds set chapters_hash = 'of an older release'`));
  const before = await standing(db.adminUrl);
  await assert.rejects(
    bringUpToDate(db.adminUrl),
    /sql\/logic\/00_reset\.sql: cannot drop function auth\.uid/,
  );
  assert.deepEqual(await standing(db.adminUrl), before);

  await asAdmin(db.adminUrl, (admin) => admin.query("drop table app.extra"));
  await bringUpToDate(db.adminUrl);
  assert.notDeepEqual((await standing(db.adminUrl)).rebuilds, before.rebuilds);
});

Deno.test("several processes may bring an empty database up at once, and another beside it", async () => {
  const { adminUrl } = await testCluster();
  const names = [1, 2].map(() => `test_${crypto.randomUUID().replaceAll("-", "")}`);
  const urls = names.map((name) => Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href);
  try {
    for (const name of names) {
      await asAdmin(adminUrl, (admin) => admin.query(`create database ${name}`));
    }
    await Promise.all([urls[0], urls[0], urls[0], urls[1]].map((url) => bringUpToDate(url)));
    await using db = await freshDatabase();
    for (const url of urls) {
      const { what, rebuilds } = await standing(url);
      assert.deepEqual(what, (await standing(db.adminUrl)).what);
      assert.equal(rebuilds.length, 1);
      const ran = await asAdmin(
        url,
        (admin) => admin.query("select name from private.migrations order by id"),
      );
      assert.deepEqual(
        ran.rows.map(({ name }) => `${name}.sql`),
        (await sqlFiles("migrations")).map(({ name }) => name),
      );
    }
  } finally {
    for (const name of names) {
      await asAdmin(
        adminUrl,
        (admin) => admin.query(`drop database if exists ${name} with (force)`),
      );
    }
  }
});

Deno.test("a Postgres with known holes in row security is refused, in words that name a good one", () => {
  for (const old of [140_020, 150_017, 160_013, 170_009, 180_003]) {
    assert.throws(
      () => refuseOldMinors(old),
      /holes in row security; use 15\.18, 17\.10, 18\.4/,
      `${old}`,
    );
  }
  for (const good of [150_018, 150_019, 170_010, 180_004, 190_000]) refuseOldMinors(good);
});
