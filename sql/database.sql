-- One database: closed to everyone who was not named. Run by an administrator
-- after sql/roles.sql and before the migrations; a copy made from a template
-- needs it again, because such grants are not copied.

do $$
declare
  v_database name := current_database();
  v_function regprocedure;
begin
  execute format('revoke all on database %I from public', v_database);
  execute format('grant create, connect on database %I to wrenchline_owner', v_database);
  execute format(
    'grant connect on database %I to wrenchline_web, wrenchline_relay, wrenchline_backstage, wrenchline_dba',
    v_database
  );
  revoke all on schema public from public;

  -- What Postgres lets everybody call by default and nobody here needs: a
  -- caller who manages to run SQL must not sleep, hold locks, store large
  -- objects, end other connections or read tables through xml.
  for v_function in
    select p.oid from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (
        p.proname in (
          'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lo_open', 'lo_unlink',
          'lowrite', 'lo_truncate', 'lo_truncate64',
          'pg_sleep', 'pg_sleep_for', 'pg_sleep_until',
          'pg_terminate_backend', 'pg_cancel_backend', 'pg_logical_emit_message',
          'query_to_xml', 'query_to_xml_and_xmlschema', 'query_to_xmlschema',
          'table_to_xml', 'schema_to_xml', 'database_to_xml', 'cursor_to_xml'
        )
        or p.proname like 'pg\_advisory\_%' or p.proname like 'pg\_try\_advisory\_%'
      )
  loop
    begin
      execute format('revoke execute on function %s from public', v_function);
      -- The migrations take an advisory lock; so does the job runner.
      if v_function::text like '%advisory%' then
        execute format('grant execute on function %s to wrenchline_owner, wrenchline_backstage', v_function);
      end if;
    exception when insufficient_privilege then
      raise warning 'Could not close % to everyone: run sql/roles.sql as a superuser', v_function;
    end;
  end loop;
end $$;
