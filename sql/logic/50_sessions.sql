-- Sessions and seats: who may see them, how every visible change raises the
-- session's version, and what a page reads of one. The lock that orders all
-- this is the counter's row; whoever changes a session takes it first.

-- Seen by those who sit in it, and by those who run the shop. What you may not
-- see is not there.
create policy select_participant on app.sessions for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (id = any (array(select auth.my_session_ids())));
create policy select_dispatcher on app.sessions for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
create policy select_dba on app.sessions for select to wrenchline_dba using (true);
-- Not metadata: it holds the payer's address and Stripe's ids.
grant select (id, type, plan, status, length_minutes, created_at, live_at, ended_at, version)
  on app.sessions to wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
-- Visitors have no policy: they get no rows, rather than an error, from a page's one round trip.
grant select on app.sessions to wrenchline_dba;
-- No insert: only a payment makes a session. No update or delete: see chapter 90.

create policy select_participant on app.session_participants for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (session_id = any (array(select auth.my_session_ids())));
create policy select_dispatcher on app.session_participants for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
grant select on app.session_participants to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
-- The DBA's plain statements are the way to let somebody in or put them out.
create policy all_dba on app.session_participants for all to wrenchline_dba using (true) with check (true);
grant select, insert (session_id, user_id, role), update (role), delete on app.session_participants to wrenchline_dba;

create function private.lock_session(session_id uuid) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform from private.session_versions v where v.session_id = lock_session.session_id for update;
  if not found then
    raise exception 'There is no session %', lock_session.session_id
      using errcode = 'NTFND', hint = 'See waiting_sessions and live_sessions.';
  end if;
  -- A statement of its own: it sees what the last holder of the lock left.
  return (select s.status from app.sessions s where s.id = lock_session.session_id);
end;
$$;
comment on function private.lock_session(uuid) is
  'Takes the session''s counter until the transaction ends and answers with its status as it is now. Raises NTFND.';

create function private.next_version(session_id uuid, participants boolean default false) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_version bigint;
begin
  update private.session_versions v set
    version = v.version + 1,
    participants_version = case when next_version.participants then v.version + 1 else v.participants_version end
  where v.session_id = next_version.session_id
  returning v.version into v_version;
  return v_version;
end;
$$;
comment on function private.next_version(uuid, boolean) is
  'Raises the session''s version by one and answers with it, or null when the session is gone. Holds the counter until commit.';

-- Where the session is known, one seat is looked up and nobody's others: a
-- mechanic has thousands in time, and the policies above list them all.
create function auth.my_seat(session_id uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select p.role from app.session_participants p
    where p.session_id = my_seat.session_id and p.user_id = auth.uid()
  );
end;
$$;
comment on function auth.my_seat(uuid) is
  'What the caller is in a session (customer, mechanic or observer), or null without a seat; running the shop is none.';
grant execute on function auth.my_seat(uuid) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function auth.seats_in(session_id uuid)
returns table (user_id uuid, name text, role text, joined_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 3
as $$
begin
  -- The relay's login holds no grant here: it comes through api.deliver, which
  -- looked at the seats before.
  if session_user <> 'wrenchline_relay' and auth.my_seat(seats_in.session_id) is null then
    return;
  end if;
  return query
    select u.id, u.name, p.role, p.joined_at
    from app.session_participants p join auth.users u on u.id = p.user_id
    where p.session_id = seats_in.session_id;
end;
$$;
comment on function auth.seats_in(uuid) is
  'Who sits in a session, by name, for those who sit in it too; for others nobody does.';
grant execute on function auth.seats_in(uuid) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function auth.my_session_head(session_id uuid, out version bigint, out participants_version bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  select v.version, v.participants_version into my_session_head.version, my_session_head.participants_version
  from private.session_versions v
  where v.session_id = my_session_head.session_id and auth.my_seat(v.session_id) is not null;
end;
$$;
comment on function auth.my_session_head(uuid) is 'The present version of a session the caller has a seat in, or nulls.';
grant execute on function auth.my_session_head(uuid) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

-- What leaves the database, field by field. These three run as their caller:
-- under a customer's role row security decides (and, for names, seats_in),
-- under the relay's definer function the seats were checked before.
create function api.session_view(session_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'id', s.id, 'type', s.type, 'plan', s.plan, 'status', s.status,
      'lengthMinutes', s.length_minutes,
      'createdAt', s.created_at, 'liveAt', s.live_at, 'endedAt', s.ended_at
    )
    from app.sessions s where s.id = session_view.session_id
  );
end;
$$;
comment on function api.session_view(uuid) is
  'A session as a browser gets it: {id, type, plan, status, lengthMinutes, createdAt, liveAt, endedAt}, or null when the caller may not see it.';

create function api.participants_view(session_id uuid) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('userId', s.user_id, 'name', s.name, 'role', s.role) order by s.joined_at, s.user_id),
      '[]'
    )
    from auth.seats_in(participants_view.session_id) s
  );
end;
$$;
comment on function api.participants_view(uuid) is
  'The seats of a session as a browser gets them: [{userId, name, role}], first come first.';

create function api.messages_view(session_id uuid, after bigint, most integer) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', m.id, 'version', m.version, 'senderId', m.sender_id, 'senderName', m.sender_name,
      'role', m.sender_role, 'body', m.body, 'clientId', m.client_id, 'createdAt', m.created_at
    ) order by m.version), '[]')
    from (
      select c.id, c.version, c.sender_id, c.sender_name, c.sender_role, c.body, c.client_id, c.created_at
      from app.chat_messages c
      where c.session_id = messages_view.session_id and c.version > messages_view.after
      order by c.version limit messages_view.most
    ) m
  );
end;
$$;
comment on function api.messages_view(uuid, bigint, integer) is
  'The messages after a version as a browser gets them, oldest first, at most so many: [{id, version, senderId, senderName, role, body, clientId, createdAt}].';

create function api.changes_view(session_id uuid, after bigint, head bigint, participants_version bigint) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
  v_page constant integer := 500;
  v_messages jsonb := '[]';
  v_to bigint := changes_view.head;
  v_more boolean := false;
begin
  -- Most rings are one message, and a client that is up to date asks for nothing.
  if changes_view.after < changes_view.head then
    v_messages := api.messages_view(changes_view.session_id, changes_view.after, v_page);
    v_more := jsonb_array_length(v_messages) = v_page
      and (v_messages -> -1 ->> 'version')::bigint < changes_view.head;
    if v_more then
      v_to := (v_messages -> -1 ->> 'version')::bigint;
    end if;
  end if;

  return jsonb_strip_nulls(jsonb_build_object(
    'from', changes_view.after, 'to', greatest(v_to, changes_view.after), 'more', v_more,
    'messages', case when jsonb_array_length(v_messages) > 0 then v_messages end,
    'participants', case
      when changes_view.participants_version > changes_view.after and changes_view.participants_version <= v_to
      then api.participants_view(changes_view.session_id)
    end
  )) || coalesce((
    select jsonb_build_object('session', api.session_view(s.id))
    from app.sessions s
    where s.id = changes_view.session_id and s.version > changes_view.after and s.version <= v_to
  ), '{}');
end;
$$;
comment on function api.changes_view(uuid, bigint, bigint, bigint) is
  'What changed in a session after a version, up to its head or 500 messages: {from, to, more, messages?, participants?, session?}.';

grant execute on function api.session_view(uuid), api.participants_view(uuid),
  api.messages_view(uuid, bigint, integer), api.changes_view(uuid, bigint, bigint, bigint)
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.read_session(session_id uuid, type text) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := auth.uid();
  v_role text;
  v_session jsonb;
  v_version bigint;
begin
  if v_user_id is null then
    raise exception 'Cannot read a session: nobody is signed in' using errcode = 'LOGIN';
  end if;
  v_role := auth.my_seat(read_session.session_id);
  if v_role is not null then
    v_session := api.session_view(read_session.session_id);
  end if;
  if v_session is null or v_session ->> 'type' is distinct from read_session.type then
    raise exception 'Cannot read a session: the caller has no % of that id', read_session.type using errcode = 'NTFND';
  end if;
  v_version := (auth.my_session_head(read_session.session_id)).version;
  return jsonb_build_object(
    'session', v_session,
    'participants', api.participants_view(read_session.session_id),
    -- Of the newest versions, should there ever be more: a page must not grow without end.
    'messages', api.messages_view(read_session.session_id, v_version - 1000, 1000),
    'version', v_version,
    'intake', (
      select jsonb_build_object('vehicle', i.vehicle, 'complaint', i.complaint)
      from app.intakes i where i.session_id = read_session.session_id
    ),
    'viewerId', v_user_id,
    'viewerRole', v_role
  );
end;
$$;
comment on function api.read_session(uuid, text) is
  'All that a session''s page shows to who sits in it, from one snapshot: {session, participants, messages (the newest 1,000), version, intake, viewerId, viewerRole}. Raises LOGIN, NTFND (also for the wrong type).';
-- Also to anon, for whom it has but one answer: sign in.
grant execute on function api.read_session(uuid, text) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

-- The counter comes with the session.
create function private.tg_sessions__version() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    new.version := 1;
  elsif (new.status, new.length_minutes, new.live_at, new.ended_at, new.type, new.plan)
    is distinct from (old.status, old.length_minutes, old.live_at, old.ended_at, old.type, old.plan)
  then
    new.version := private.next_version(new.id);
  else
    new.version := old.version;
  end if;
  return new;
end;
$$;
comment on function private.tg_sessions__version() is 'Numbers a change of a session that people can see; metadata is not one.';
create trigger _100_version before insert or update on app.sessions
  for each row execute function private.tg_sessions__version();
alter table app.sessions enable always trigger _100_version;

create function private.tg_sessions__counter() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.session_versions (session_id, version) values (new.id, 1);
  return null;
end;
$$;
comment on function private.tg_sessions__counter() is 'Starts the session''s counter.';
create trigger _500_counter after insert on app.sessions
  for each row execute function private.tg_sessions__counter();
alter table app.sessions enable always trigger _500_counter;

create function private.tg_session_participants__seat() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := private.lock_session(new.session_id);
  v_user auth.users;
  v_role text;
begin
  select * into v_user from auth.users u where u.id = new.user_id;
  if v_user.id is null then
    raise exception 'Cannot give a seat: there is no user %', new.user_id
      using errcode = 'NTFND', hint = 'select id, email, name, role from auth.users';
  end if;

  if tg_op = 'INSERT' then
    select p.role into v_role from app.session_participants p
    where p.session_id = new.session_id and p.user_id = new.user_id;
    if v_role = new.role then
      return null; -- twice is once
    elsif v_role is not null then
      raise exception 'Cannot give a seat: % already sits here as %', v_user.name, v_role
        using errcode = 'ALRDY', hint = 'Update the row''s role, or delete it first.';
    end if;
  elsif (new.session_id, new.user_id, new.role) = (old.session_id, old.user_id, old.role) then
    new.version := old.version;
    return new;
  end if;

  if new.role is null or new.role not in ('customer', 'mechanic', 'observer') then
    raise exception 'Cannot give a seat: "%" is not a role', new.role
      using errcode = 'BADIN', hint = 'A seat is customer, mechanic or observer.';
  elsif v_status in ('ended', 'refunded') and tg_op = 'INSERT' then
    raise exception 'Cannot give a seat: session % is over', new.session_id
      using errcode = 'ENDED', hint = 'See waiting_sessions and live_sessions for those that are not.';
  elsif new.role = 'mechanic' and v_user.role <> 'mechanic' then
    raise exception 'Cannot give a seat: % is not a mechanic', coalesce(v_user.email, v_user.name)
      using errcode = 'DNIED', hint = 'Make one with select api.create_mechanic(email, name).';
  elsif new.role = 'observer' and v_user.role <> 'dispatcher' then
    raise exception 'Cannot give a seat: only a dispatcher observes, and % is not one', coalesce(v_user.email, v_user.name)
      using errcode = 'DNIED', hint = 'select id, email from auth.users where role = ''dispatcher''';
  elsif new.role = 'customer' and v_user.role <> 'customer' then
    raise exception 'Cannot give a seat: % works here and cannot be the customer', coalesce(v_user.email, v_user.name)
      using errcode = 'DNIED', hint = 'Give them the role mechanic, or observer to a dispatcher.';
  elsif new.role = 'customer' and exists (
    select from app.session_participants p
    where p.session_id = new.session_id and p.role = 'customer'
      and p.user_id <> coalesce(old.user_id, new.user_id) -- its own row does not stand in the way
  ) then
    raise exception 'Cannot give a seat: session % has its customer', new.session_id
      using errcode = 'ALRDY', hint = 'See select * from session_participants; delete that seat first.';
  end if;

  new.version := private.next_version(new.session_id, participants => true);
  return new;
end;
$$;
comment on function private.tg_session_participants__seat() is
  'Checks and numbers a seat, also for a DBA''s plain INSERT. Raises NTFND, BADIN, ENDED, DNIED, ALRDY; the same seat twice is harmless.';
create trigger _100_seat before insert or update on app.session_participants
  for each row execute function private.tg_session_participants__seat();
alter table app.session_participants enable always trigger _100_seat;

create function private.tg_session_participants__leave() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.next_version(old.session_id, participants => true);
  return null;
end;
$$;
comment on function private.tg_session_participants__leave() is 'Numbers the loss of a seat, so that its socket is closed before anything said later.';
create trigger _500_leave after delete on app.session_participants
  for each row execute function private.tg_session_participants__leave();
alter table app.session_participants enable always trigger _500_leave;

create function private.tg__refuse_truncate() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'Cannot truncate %: nobody would be told', tg_table_name
    using errcode = 'DNIED', hint = 'Delete the rows instead; each is then numbered and delivered.';
end;
$$;
comment on function private.tg__refuse_truncate() is 'TRUNCATE fires no row triggers, so a page would go on showing what is gone. Raises DNIED.';
create trigger _100_refuse_truncate before truncate on app.sessions
  for each statement execute function private.tg__refuse_truncate();
create trigger _100_refuse_truncate before truncate on app.session_participants
  for each statement execute function private.tg__refuse_truncate();
create trigger _100_refuse_truncate before truncate on app.chat_messages
  for each statement execute function private.tg__refuse_truncate();
create trigger _100_refuse_truncate before truncate on private.session_versions
  for each statement execute function private.tg__refuse_truncate();
alter table app.sessions enable always trigger _100_refuse_truncate;
alter table app.session_participants enable always trigger _100_refuse_truncate;
alter table app.chat_messages enable always trigger _100_refuse_truncate;
alter table private.session_versions enable always trigger _100_refuse_truncate;
