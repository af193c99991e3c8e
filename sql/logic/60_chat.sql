-- What is said. A message is inserted under its sender's own role, so that the
-- policy is what refuses a stranger; the numbering trigger orders it.

create policy select_participant on app.chat_messages for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (session_id = any (array(select auth.my_session_ids())));
create policy select_dispatcher on app.chat_messages for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
create function auth.may_speak_in(session_id uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from app.sessions s
    where s.id = may_speak_in.session_id and s.status in ('waiting', 'live')
      and auth.my_seat(s.id) in ('customer', 'mechanic')
  );
end;
$$;
comment on function auth.may_speak_in(uuid) is
  'Whether the caller may say something in a session: it is not over, and the seat is not an observer''s.';
grant execute on function auth.may_speak_in(uuid) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create policy insert_participant on app.chat_messages for insert to wrenchline_customer, wrenchline_mechanic
  with check (
    sender_id = (select auth.uid())
    -- Asked for the one session, once a row: a list of all would grow with the seats.
    and (select auth.may_speak_in(session_id))
  );
grant select on app.chat_messages to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
grant insert (session_id, sender_id, client_id, body) on app.chat_messages to wrenchline_customer, wrenchline_mechanic;
-- Not version: the trigger sets it, after locking the session and looking at the seat once more.
-- No update or delete: what was said to a paying customer stays said.

create policy select_dba on app.chat_messages for select to wrenchline_dba using (true);
create policy insert_dba on app.chat_messages for insert to wrenchline_dba with check (true);
grant select, insert (session_id, sender_id, client_id, body) on app.chat_messages to wrenchline_dba;

create function private.tg_chat_messages__number() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text;
begin
  -- 0 means "from no seat": row security is asked after this trigger and turns
  -- a stranger away in its own words; _500_seat stops whoever it lets through.
  new.version := 0;
  new.sender_name := '';
  new.sender_role := 'observer';
  new.created_at := now();

  -- A stranger, or whoever would speak as another, is not to hold up a session
  -- by locking it, nor to learn from the answer which client_id was used.
  if session_user = 'wrenchline_web' and new.sender_id is distinct from auth.uid()
    or not exists (
      select from app.session_participants p
      where p.session_id = new.session_id and p.user_id = new.sender_id
    )
  then
    return new;
  end if;

  -- Lock, then look again: between the two a seat may have been taken away.
  v_status := private.lock_session(new.session_id);
  if exists (
    select from app.chat_messages m
    where m.session_id = new.session_id and m.sender_id = new.sender_id and m.client_id = new.client_id
  ) then
    return null; -- sent before; the number is not used up
  end if;
  select u.name, p.role into new.sender_name, new.sender_role
  from app.session_participants p join auth.users u on u.id = p.user_id
  where p.session_id = new.session_id and p.user_id = new.sender_id;
  if not found then
    new.sender_name := '';
    new.sender_role := 'observer';
    return new;
  end if;

  if v_status in ('ended', 'refunded') then
    raise exception 'Cannot send a message: session % is over', new.session_id using errcode = 'ENDED';
  elsif new.sender_role = 'observer' then
    raise exception 'Cannot send a message: an observer listens' using errcode = 'DNIED';
  end if;
  new.created_at := clock_timestamp(); -- after the wait for the lock, so that times follow the order
  new.version := private.next_version(new.session_id);
  return new;
end;
$$;
comment on function private.tg_chat_messages__number() is
  'Numbers a message under the session''s lock and fills in who said it. Raises ENDED, DNIED; the same client_id twice is harmless.';
create trigger _100_number before insert on app.chat_messages
  for each row execute function private.tg_chat_messages__number();
alter table app.chat_messages enable always trigger _100_number;

create function private.tg_chat_messages__seat() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'Cannot send a message: user % has no seat in session %', new.sender_id, new.session_id
    using errcode = 'DNIED', hint = 'Insert one into session_participants first.';
end;
$$;
comment on function private.tg_chat_messages__seat() is
  'Stops a message from no seat that row security let through: a seat lost while waiting for the lock, or a DBA''s slip. Raises DNIED.';
create trigger _500_seat after insert on app.chat_messages
  for each row when (new.version = 0) execute function private.tg_chat_messages__seat();
alter table app.chat_messages enable always trigger _500_seat;

create function private.tg_chat_messages__go_live() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Only from waiting; a session refunded a moment ago must not come back to life.
  update app.sessions s set status = 'live', live_at = new.created_at
  where s.id = new.session_id and s.status = 'waiting';
  return null;
end;
$$;
comment on function private.tg_chat_messages__go_live() is 'The mechanic''s first message starts the session: joined means having said something, not a row.';
create trigger _500_go_live after insert on app.chat_messages
  for each row when (new.sender_role = 'mechanic') execute function private.tg_chat_messages__go_live();
alter table app.chat_messages enable always trigger _500_go_live;

create function auth.is_flooded(session_id uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_most constant integer := 600; -- within 10 seconds: more than all in a session type together
  v_head bigint := (auth.my_session_head(is_flooded.session_id)).version;
begin
  return coalesce((
    select m.created_at > clock_timestamp() - interval '10 seconds'
    from app.chat_messages m
    where m.session_id = is_flooded.session_id and m.version <= v_head - v_most
    order by m.version desc limit 1
  ), false);
end;
$$;
comment on function auth.is_flooded(uuid) is
  'Whether a session of the caller''s got 600 messages within the last 10 seconds. Asked by api.send_message only: a DBA''s bulk INSERT is free.';
grant execute on function auth.is_flooded(uuid) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.send_message(session_id uuid, client_id uuid, body text) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp
as $$
declare
  v_sender_id uuid := auth.uid();
  v_role text;
  v_version bigint;
begin
  if v_sender_id is null then
    raise exception 'Cannot send a message: nobody is signed in' using errcode = 'LOGIN';
  end if;
  v_role := auth.my_seat(send_message.session_id);
  if v_role is null then
    raise exception 'Cannot send a message: the caller has no seat in such a session' using errcode = 'NTFND';
  elsif v_role = 'observer' then
    -- Said here and not by the trigger: a dispatcher's role may not even try to insert.
    raise exception 'Cannot send a message: an observer listens' using errcode = 'DNIED';
  elsif length(send_message.body) > 4000 then
    raise exception 'Cannot send a message: it is % characters long', length(send_message.body)
      using errcode = 'TOOLG', detail = 'A message may be 4,000 characters long.';
  elsif send_message.body is null or send_message.body !~ '\S' then
    raise exception 'Cannot send a message: it says nothing'
      using errcode = 'BADIN', detail = 'Write something first.';
  elsif auth.is_flooded(send_message.session_id) then
    raise exception 'Cannot send a message: session % got too many at once', send_message.session_id
      using errcode = 'SLOWD';
  end if;

  insert into app.chat_messages (session_id, sender_id, client_id, body)
  values (send_message.session_id, v_sender_id, coalesce(send_message.client_id, gen_random_uuid()), send_message.body)
  returning version into v_version;
  -- Nothing inserted: this client_id was sent before, and here is what became of it.
  if v_version is null then
    select m.version into v_version from app.chat_messages m
    where m.session_id = send_message.session_id and m.sender_id = v_sender_id and m.client_id = send_message.client_id;
  end if;
  return api.messages_view(send_message.session_id, v_version - 1, 1) -> 0;
end;
$$;
comment on function api.send_message(uuid, uuid, text) is
  'Says something in a session, once for each client_id, and answers with the stored message. Raises LOGIN, NTFND, ENDED, DNIED, TOOLG, BADIN, SLOWD.';
grant execute on function api.send_message(uuid, uuid, text) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.messages_after(session_id uuid, after bigint) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
  v_head record;
begin
  if auth.uid() is null then
    raise exception 'Cannot read messages: nobody is signed in' using errcode = 'LOGIN';
  end if;
  v_head := auth.my_session_head(messages_after.session_id);
  if v_head.version is null then
    raise exception 'Cannot read messages: the caller has no such session' using errcode = 'NTFND';
  end if;
  return api.changes_view(
    messages_after.session_id, greatest(messages_after.after, 0), v_head.version, v_head.participants_version
  );
end;
$$;
comment on function api.messages_after(uuid, bigint) is
  'What changed in a session after a version, 500 messages at a time: {from, to, more, messages?, participants?, session?}. Raises LOGIN, NTFND.';
grant execute on function api.messages_after(uuid, bigint) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
