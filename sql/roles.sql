-- The roles, which belong to the whole cluster and not to one database. Run by
-- an administrator before the migrations, as often as you like: it makes what
-- is missing and takes back what should not be there. Passwords are set by
-- `deno task db:up` from the connection URLs, never here.

do $$
declare
  v_role text;
begin
  foreach v_role in array array[
    'wrenchline_owner', 'wrenchline_anon', 'wrenchline_customer',
    'wrenchline_mechanic', 'wrenchline_dispatcher'
  ] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I', v_role);
    end if;
    execute format('alter role %I nologin noinherit nosuperuser nobypassrls nocreatedb nocreaterole noreplication', v_role);
  end loop;

  foreach v_role in array array[
    'wrenchline_web', 'wrenchline_relay', 'wrenchline_backstage', 'wrenchline_dba'
  ] loop
    if not exists (select from pg_roles where rolname = v_role) then
      -- NOINHERIT at birth: from 16 on, a membership granted later takes its
      -- inherit option from what the role is at that moment.
      execute format('create role %I noinherit', v_role);
    end if;
    execute format('alter role %I login noinherit nosuperuser nobypassrls nocreatedb nocreaterole noreplication', v_role);
    -- Postgres lets every login change its own settings: what is not set below goes.
    execute format('alter role %I reset all', v_role);
  end loop;
end $$;

-- The web login is nobody until it becomes one of these four. It is never a
-- member of the owner, the relay or backstage: an injected
-- set_config('role', ...) can take whatever is granted here.
grant wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  to wrenchline_web;

-- Any other membership these roles were given by hand is taken back.
do $$
declare
  v_role regrole;
  v_member regrole;
begin
  for v_role, v_member in
    select m.roleid, m.member from pg_auth_members m join pg_roles r on r.oid = m.member
    where r.rolname in (
      'wrenchline_owner', 'wrenchline_web', 'wrenchline_anon', 'wrenchline_customer', 'wrenchline_mechanic',
      'wrenchline_dispatcher', 'wrenchline_relay', 'wrenchline_backstage', 'wrenchline_dba'
    ) and not (
      r.rolname = 'wrenchline_web' and m.roleid::regrole::text in (
        'wrenchline_anon', 'wrenchline_customer', 'wrenchline_mechanic', 'wrenchline_dispatcher'
      )
    )
  loop
    execute format('revoke %s from %s', v_role, v_member);
  end loop;
end $$;

-- A role setting counts for the login, never for a role that is switched to.
alter role wrenchline_web set statement_timeout = '10s';
alter role wrenchline_web set lock_timeout = '3s';
alter role wrenchline_web set idle_in_transaction_session_timeout = '10s';
alter role wrenchline_web set jit = off;
alter role wrenchline_relay set statement_timeout = '15s';
alter role wrenchline_relay set idle_in_transaction_session_timeout = '10s';
alter role wrenchline_relay set jit = off;
alter role wrenchline_backstage set statement_timeout = '30s';
alter role wrenchline_backstage set lock_timeout = '10s';
alter role wrenchline_backstage set jit = off;

-- Codes, tokens and what people say travel as parameters: no log is to hold
-- them, whatever log_statement says. Only a superuser may decide that.
do $$
begin
  alter role wrenchline_web set log_parameter_max_length = 0;
  alter role wrenchline_relay set log_parameter_max_length = 0;
  alter role wrenchline_backstage set log_parameter_max_length = 0;
exception when insufficient_privilege then
  raise warning 'Set log_parameter_max_length to 0 on this server: this administrator may not';
end $$;

-- So that people at psql can write `select * from sessions`.
alter role wrenchline_dba set search_path = app, api, auth;
alter role wrenchline_dba set idle_in_transaction_session_timeout = '10min';
