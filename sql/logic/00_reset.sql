-- Takes down what the other chapters put up, in their transaction, so nobody
-- sees the gap. No cascade: a surprise must stop us. What is not written in a
-- chapter any more is gone from the database.

do $$
declare
  ours regnamespace[] := '{app,auth,api,private}';
  doomed text;
begin
  for doomed in
    select format('drop policy %I on %s', p.polname, p.polrelid::regclass)
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace = any (ours)
    union all
    select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace = any (ours)
    union all
    select format('drop view %s', c.oid::regclass)
    from pg_class c where c.relkind = 'v' and c.relnamespace = any (ours)
  loop
    execute doomed;
  end loop;

  for doomed in
    select format('drop routine %s', p.oid::regprocedure)
    from pg_proc p where p.pronamespace = any (ours)
  loop
    execute doomed;
  end loop;
end $$;

revoke all on all tables in schema app, api, auth, private
  from wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher,
    wrenchline_web, wrenchline_relay, wrenchline_backstage, wrenchline_dba;
