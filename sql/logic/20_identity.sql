-- Who is asking. A request carries a proof (sha256 of its cookie) in the
-- transaction-local setting app.proof; these functions look it up, with expiry
-- and revocation, each statement. Whoever manages to run SQL of their own can
-- change the setting, but not into a proof they do not hold; and although they
-- can take any of the four web roles, what those roles may see is always
-- decided by the user the proof belongs to.

-- plpgsql on purpose: on Postgres 15 an SQL-language function is planned anew
-- at every call, which tripled the cost of the hottest function we have.
create function auth.uid() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- After its first use in a connection an absent setting is '', not null.
  v_proof text := nullif(current_setting('app.proof', true), '');
begin
  if v_proof is null then
    return null;
  end if;
  return (
    select l.user_id from auth.logins l
    where l.proof_hash = sha256(convert_to(v_proof, 'UTF8'))
      and l.revoked_at is null and l.expires_at > now()
  );
end;
$$;
comment on function auth.uid() is
  'The user whose proof this transaction carries, or null. In policies write (select auth.uid()), so that it is asked once a statement.';
grant execute on function auth.uid() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher, wrenchline_dba;

create function auth.my_role() returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return (select u.role from auth.users u where u.id = auth.uid());
end;
$$;
comment on function auth.my_role() is
  'customer, mechanic or dispatcher as auth.users has it, or null. Trust this and not the Postgres role: the web login can take any of its roles.';
grant execute on function auth.my_role() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher, wrenchline_dba;

create function auth.role_for_proof(proof text) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select 'wrenchline_' || u.role
      from auth.logins l join auth.users u on u.id = l.user_id
      where l.proof_hash = sha256(convert_to(role_for_proof.proof, 'UTF8'))
        and l.revoked_at is null and l.expires_at > now()
    ),
    'wrenchline_anon'
  );
end;
$$;
comment on function auth.role_for_proof(text) is
  'The Postgres role a request with this proof runs as. Only the door calls it, as the first thing in a transaction.';
grant execute on function auth.role_for_proof(text) to wrenchline_web;

create function auth.my_session_ids() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 20
as $$
begin
  return query
    select p.session_id from app.session_participants p where p.user_id = auth.uid();
end;
$$;
comment on function auth.my_session_ids() is
  'The sessions the caller has a seat in. A policy on session_participants cannot ask its own table, so it asks this.';
grant execute on function auth.my_session_ids() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function auth.my_companion_ids() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 50
as $$
begin
  return query
    select theirs.user_id
    from app.session_participants mine
    join app.session_participants theirs using (session_id)
    where mine.user_id = auth.uid();
end;
$$;
comment on function auth.my_companion_ids() is 'The users the caller shares a session with, themselves included.';
grant execute on function auth.my_companion_ids() to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function private.require_user() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null then
    raise exception 'Cannot go on: nobody is signed in'
      using errcode = 'LOGIN', hint = 'Send the login cookie, or sign in again.';
  end if;
  return v_user_id;
end;
$$;
comment on function private.require_user() is 'The caller, or LOGIN. First line of every definer function that acts for a user.';

create function private.require_staff() returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Everybody else who holds execute is a database login with a name.
  if session_user = 'wrenchline_web' and auth.my_role() is distinct from 'dispatcher' then
    raise exception 'Cannot run the shop: the caller is not a dispatcher' using errcode = 'DNIED';
  end if;
  return case
    when session_user = 'wrenchline_web' then 'user ' || auth.uid()
    else 'login ' || session_user
  end;
end;
$$;
comment on function private.require_staff() is
  'Who is running the shop ("user <id>" or "login <name>"), or DNIED. The web login could switch to the dispatcher''s role by itself, so the role alone proves nothing.';

-- Who may see users. Names are for those one shares a session with; addresses
-- are nobody's but their own, and those come from api.viewer().
create policy select_companion on auth.users for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (id = any (array(select auth.my_companion_ids())) or id = (select auth.uid()));
create policy select_dispatcher on auth.users for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
grant select (id, name, role) on auth.users to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create policy all_dba on auth.users for all to wrenchline_dba using (true) with check (true);
grant select, insert (email, name, role), update (email, name, role), delete on auth.users to wrenchline_dba;

-- A DBA may see who is signed in and end it, but not the hash.
create policy select_dba on auth.logins for select to wrenchline_dba using (true);
create policy update_dba on auth.logins for update to wrenchline_dba using (true) with check (true);
create policy delete_dba on auth.logins for delete to wrenchline_dba using (true);
grant select (id, user_id, created_at, expires_at, revoked_at), update (revoked_at, expires_at), delete
  on auth.logins to wrenchline_dba;
-- No policy and no grant on auth.sign_in_codes: only the functions of the next chapter touch it.
