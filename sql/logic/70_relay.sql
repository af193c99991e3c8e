-- Getting it to the browsers. A bell (NOTIFY) holds a session id and nothing
-- else: everybody may listen or spoof, and a lost one is found by api.heads.
-- Each delivery is authorized anew, for every seat, from the snapshot of the
-- rows themselves.

create function private.tg_session_versions__ring() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- The door rings after its commit instead: a NOTIFY inside a write holds a
  -- lock on the whole server until the flush.
  if coalesce(current_setting('app.rings_itself', true), '') <> 'on' then
    perform pg_notify('session_changed', new.session_id::text);
  end if;
  return null;
end;
$$;
comment on function private.tg_session_versions__ring() is 'Rings when a session''s version was raised, whoever raised it.';
create trigger _900_ring after insert or update on private.session_versions
  for each row execute function private.tg_session_versions__ring();
alter table private.session_versions enable always trigger _900_ring;

create function private.tg_logins__ring() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('session_changed', p.session_id::text)
  from app.session_participants p join app.sessions s on s.id = p.session_id
  where p.user_id = old.user_id and s.status in ('waiting', 'live');
  return null;
end;
$$;
comment on function private.tg_logins__ring() is
  'Rings the sessions of a login that ended, so that its open sockets are found out at once and not at the next message.';
create trigger _900_ring_delete after delete on auth.logins
  for each row execute function private.tg_logins__ring();
create trigger _900_ring_update after update of revoked_at, expires_at on auth.logins
  for each row execute function private.tg_logins__ring();
alter table auth.logins enable always trigger _900_ring_delete;
alter table auth.logins enable always trigger _900_ring_update;

create function api.deliver(asks jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_ask record;
  v_may_hear jsonb;
  v_refused jsonb;
  v_head private.session_versions;
  v_changes jsonb;
  v_is_over boolean;
  v_answers jsonb := '[]';
begin
  for v_ask in
    select (a ->> 'session')::uuid as session_id, (a ->> 'after')::bigint as after, a -> 'proofs' as proofs
    from jsonb_array_elements(deliver.asks) with ordinality as t (a, i) order by i
  loop
    select
      coalesce(jsonb_agg(h.proof) filter (where h.code is null), '[]'),
      coalesce(jsonb_agg(jsonb_build_object('proof', h.proof, 'code', h.code)) filter (where h.code is not null), '[]')
    into v_may_hear, v_refused
    from (
      select t.proof, case when l.id is null then 4401 when p.user_id is null then 4403 end as code
      from jsonb_array_elements_text(v_ask.proofs) as t (proof)
      left join auth.logins l on l.proof_hash = sha256(convert_to(t.proof, 'UTF8'))
        and l.revoked_at is null and l.expires_at > now()
      left join app.session_participants p on p.session_id = v_ask.session_id and p.user_id = l.user_id
    ) h;

    v_changes := null;
    v_is_over := false;
    -- Nothing is read for a session that nobody here may hear: a stolen relay
    -- credential reads only what it holds a live proof for.
    if jsonb_array_length(v_may_hear) > 0 then
      select * into v_head from private.session_versions v where v.session_id = v_ask.session_id;
      v_changes := api.changes_view(v_ask.session_id, v_ask.after, v_head.version, v_head.participants_version);
      select s.status in ('ended', 'refunded') into v_is_over from app.sessions s where s.id = v_ask.session_id;
    end if;
    v_answers := v_answers || jsonb_build_object(
      'session', v_ask.session_id,
      'from', v_ask.after,
      'to', coalesce((v_changes ->> 'to')::bigint, v_ask.after),
      'more', coalesce((v_changes ->> 'more')::boolean, false),
      -- Not only in the changes: who was told already, and came back, is to go too.
      'isOver', v_is_over,
      'mayHear', v_may_hear,
      'refused', v_refused,
      'changes', coalesce(v_changes - 'from' - 'to' - 'more', '{}')
    );
  end loop;
  return v_answers;
end;
$$;
comment on function api.deliver(jsonb) is
  'For [{session, after, proofs}] answers, in order and from one snapshot, which proofs may hear and what changed: [{session, from, to, more, isOver, mayHear, refused: [{proof, code}], changes}]. Codes are the socket''s: 4401 signed out, 4403 no seat.';
grant execute on function api.deliver(jsonb) to wrenchline_relay;

create function api.heads(session_ids uuid[]) returns table (session_id uuid, version bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select v.session_id, v.version from private.session_versions v where v.session_id = any (heads.session_ids);
$$;
comment on function api.heads(uuid[]) is
  'The present versions of sessions the relay has seats for: what shows a bell that was lost between commit and notify.';
grant execute on function api.heads(uuid[]) to wrenchline_relay;

create function api.signal(session_id uuid, payload jsonb) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := private.require_user();
  v_bell text;
begin
  if not auth.may_speak_in(signal.session_id) then
    raise exception 'Cannot signal: the caller has no voice in such a session' using errcode = 'NTFND';
  end if;
  if jsonb_typeof(signal.payload) is distinct from 'object' then
    raise exception 'Cannot signal: the payload is not an object' using errcode = 'BADIN';
  end if;
  v_bell := (signal.payload || jsonb_build_object(
    'session', signal.session_id, 'from', v_user_id,
    'name', (select u.name from auth.users u where u.id = v_user_id)
  ))::text;
  -- Postgres counts bytes and fails at 8,000.
  if octet_length(v_bell) > 7000 then
    raise exception 'Cannot signal: the payload is too long' using errcode = 'TOOLG';
  end if;
  perform pg_notify('session_signal', v_bell);
end;
$$;
comment on function api.signal(uuid, jsonb) is
  'Tells the others in a session something not worth storing (typing). Says who it is from by itself. Raises LOGIN, NTFND, BADIN, TOOLG.';
grant execute on function api.signal(uuid, jsonb) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
