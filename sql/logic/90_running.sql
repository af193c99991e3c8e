-- Running the shop from psql. Every function says what it did not do and what
-- to try instead, and repeating one is harmless. The same functions serve the
-- dispatchers' dashboard; there the caller must be a dispatcher by login.

create function api.create_mechanic(email text, name text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := lower(btrim(create_mechanic.email));
  v_name text := btrim(create_mechanic.name);
  v_user auth.users;
begin
  perform private.require_staff();
  if v_email is null or v_email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' then
    raise exception 'Cannot create a mechanic: "%" is not an e-mail address', create_mechanic.email
      using errcode = 'BADIN', hint = 'select api.create_mechanic(''marco@example.com'', ''Marco'')';
  elsif coalesce(v_name, '') = '' or length(v_name) > 80 then
    raise exception 'Cannot create a mechanic: a name of 1 to 80 characters is needed'
      using errcode = 'BADIN', hint = 'Customers see it: a first name is enough.';
  end if;

  select * into v_user from auth.users u where u.email = v_email for update;
  if v_user.role = 'dispatcher' then
    raise exception 'Cannot create a mechanic: % is a dispatcher', v_email
      using errcode = 'ALRDY', hint = 'Use another address for the mechanic''s work.';
  elsif v_user.role = 'customer' and exists (select from app.session_participants p where p.user_id = v_user.id) then
    raise exception 'Cannot create a mechanic: % is a customer with sessions of their own', v_email
      using errcode = 'ALRDY', hint = 'Use another address for the mechanic''s work.';
  end if;

  insert into auth.users as u (email, name, role) values (v_email, v_name, 'mechanic')
  on conflict on constraint users_email_key do update set role = 'mechanic', name = excluded.name
  returning * into v_user;
  return v_user.id;
end;
$$;
comment on function api.create_mechanic(text, text) is
  'Makes a mechanic, who then signs in by e-mail code like everybody. Answers with the user''s id; again, it only corrects the name. Raises BADIN, ALRDY, DNIED.';

create function private.mechanic_of(email text) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_mechanic_id uuid;
begin
  select u.id into v_mechanic_id from auth.users u
  where u.email = lower(btrim(mechanic_of.email)) and u.role = 'mechanic';
  if v_mechanic_id is null then
    raise exception '% is not a mechanic', mechanic_of.email
      using errcode = 'NTFND', hint = 'Make one with select api.create_mechanic(email, name).';
  end if;
  return v_mechanic_id;
end;
$$;
comment on function private.mechanic_of(text) is 'The mechanic with this address. Raises NTFND.';

create function api.assign_mechanic(session_id uuid, mechanic_email text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff();
  -- The seat's own trigger locks the session and says no to one that is over.
  insert into app.session_participants (session_id, user_id, role)
  values (assign_mechanic.session_id, private.mechanic_of(assign_mechanic.mechanic_email), 'mechanic');
end;
$$;
comment on function api.assign_mechanic(uuid, text) is
  'Gives a mechanic a seat in a session. Harmless when repeated. Raises ENDED, NTFND, DNIED.';

create function api.unassign_mechanic(session_id uuid, mechanic_email text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff();
  perform private.lock_session(unassign_mechanic.session_id);
  delete from app.session_participants p
  where p.session_id = unassign_mechanic.session_id and p.role = 'mechanic'
    and p.user_id = private.mechanic_of(unassign_mechanic.mechanic_email);
end;
$$;
comment on function api.unassign_mechanic(uuid, text) is
  'Takes a mechanic''s seat away and closes their open sockets. Harmless when repeated. Raises NTFND, DNIED.';

create function api.end_session(session_id uuid, reason text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff();
  if private.lock_session(end_session.session_id) in ('ended', 'refunded') then
    return; -- it is over, which is what was asked for
  end if;
  update app.sessions s set status = 'ended', ended_at = now(), ended_reason = end_session.reason
  where s.id = end_session.session_id;
end;
$$;
comment on function api.end_session(uuid, text) is
  'Ends a session; it stays readable. Harmless when repeated. Raises NTFND, DNIED.';

create function api.extend_session(session_id uuid, minutes integer) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_minutes integer;
begin
  perform private.require_staff();
  if coalesce(extend_session.minutes, 0) not between 1 and 240 then
    raise exception 'Cannot extend a session by % minutes', extend_session.minutes
      using errcode = 'BADIN', hint = 'Say between 1 and 240.';
  elsif private.lock_session(extend_session.session_id) in ('ended', 'refunded') then
    raise exception 'Cannot extend a session: % is over', extend_session.session_id
      using errcode = 'ENDED', hint = 'See live_sessions for those that are not.';
  elsif (select s.length_minutes from app.sessions s where s.id = extend_session.session_id) + extend_session.minutes > 1440 then
    raise exception 'Cannot extend a session: it would be longer than a day'
      using errcode = 'BADIN', hint = 'End it, and have the customer start another.';
  end if;
  update app.sessions s set length_minutes = s.length_minutes + extend_session.minutes
  where s.id = extend_session.session_id returning s.length_minutes into v_minutes;
  return v_minutes;
end;
$$;
comment on function api.extend_session(uuid, integer) is
  'Gives a session more minutes and answers with its new length. Each call adds. Raises BADIN, ENDED, NTFND, DNIED.';

create function api.refund_checkout(checkout_id uuid, reason text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_by text := private.require_staff();
  v_checkout app.checkouts;
begin
  select * into v_checkout from app.checkouts c where c.id = refund_checkout.checkout_id for update;
  if v_checkout.id is null then
    raise exception 'Cannot refund a checkout: there is no %', refund_checkout.checkout_id
      using errcode = 'NTFND', hint = 'See paid_unserved, or checkouts.';
  elsif v_checkout.status not in ('paid', 'duplicate', 'refused') then
    raise exception 'Cannot refund a checkout: % is %, and nothing was paid', v_checkout.id, v_checkout.status
      using errcode = 'BADIN', hint = 'Those paid are paid, duplicate or refused.';
  elsif v_checkout.status = 'paid'
    and exists (select from app.sessions s where s.id = v_checkout.session_id and s.status <> 'refunded')
  then
    raise exception 'Cannot refund a checkout: % bought a session that would go on', v_checkout.id
      using errcode = 'BADIN', hint = format('select api.refund_session(''%s'', ''why'')', v_checkout.session_id);
  end if;
  -- Nothing was paid with a promotion code for all of it: nothing goes back.
  if v_checkout.payment_intent is not null and v_checkout.paid_cents > 0 then
    perform private.request_refund(
      v_checkout.id, v_checkout.paid_cents, coalesce(nullif(btrim(refund_checkout.reason), ''), 'dispatcher'), v_by
    );
  end if;
end;
$$;
comment on function api.refund_checkout(uuid, text) is
  'Gives back all the money of a checkout that bought no session of its own (refused or duplicate), by a job that asks Stripe. Harmless when repeated: a refund that failed or was given up is tried again. Raises BADIN, NTFND, DNIED.';

create function api.refund_session(session_id uuid, reason text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff();
  perform private.lock_session(refund_session.session_id);
  update app.sessions s set
    status = 'refunded', ended_at = coalesce(s.ended_at, now()), ended_reason = refund_session.reason
  where s.id = refund_session.session_id and s.status <> 'refunded';
  perform api.refund_checkout(c.id, refund_session.reason)
  from app.checkouts c where c.session_id = refund_session.session_id and c.status = 'paid';
end;
$$;
comment on function api.refund_session(uuid, text) is
  'Ends a session and gives all the money back, by a job that asks Stripe. Harmless when repeated: a refund that failed or was given up is tried again. Raises NTFND, DNIED.';

grant execute on function api.create_mechanic(text, text), api.assign_mechanic(uuid, text),
  api.unassign_mechanic(uuid, text), api.end_session(uuid, text), api.extend_session(uuid, integer),
  api.refund_checkout(uuid, text), api.refund_session(uuid, text)
  to wrenchline_dispatcher, wrenchline_dba;

create view api.waiting_sessions with (security_invoker = true) as
  select
    s.id as session_id, s.plan, s.type, s.created_at, now() - s.created_at as waited,
    s.metadata ->> 'customer_email' as customer_email, i.vehicle, i.complaint,
    (select count(*) from app.session_participants p where p.session_id = s.id and p.role = 'mechanic') as mechanics
  from app.sessions s left join app.intakes i on i.session_id = s.id
  where s.status = 'waiting'
  order by s.created_at;
comment on view api.waiting_sessions is 'Paid sessions in which no mechanic has spoken yet, oldest first.';

create view api.live_sessions with (security_invoker = true) as
  select
    s.id as session_id, s.plan, s.type, s.live_at, now() - s.live_at as running, s.length_minutes,
    (
      select string_agg(u.email, ', ' order by u.email)
      from app.session_participants p join auth.users u on u.id = p.user_id
      where p.session_id = s.id and p.role = 'mechanic'
    ) as mechanics,
    (
      select m.created_at from app.chat_messages m where m.session_id = s.id order by m.version desc limit 1
    ) as last_message_at
  from app.sessions s
  where s.status = 'live'
  order by s.live_at;
comment on view api.live_sessions is 'Sessions in which customer and mechanic are talking, longest first.';

create view api.paid_unserved with (security_invoker = true) as
  select
    c.id as checkout_id, c.session_id, c.plan, coalesce(c.paid_cents, c.amount_cents) as amount_cents, c.currency,
    c.status as checkout_status, r.status as refund_status,
    s.metadata ->> 'customer_email' as customer_email, c.settled_at as paid_at,
    now() - coalesce(r.created_at, c.settled_at) as since
  from app.checkouts c
  left join app.sessions s on s.id = c.session_id
  left join lateral (
    select r.status, r.created_at from app.refunds r
    where r.checkout_id = c.id order by r.status = 'failed', r.created_at desc limit 1
  ) r on true
  where case
    when r.status is null then c.status = 'refused'
      or c.status = 'paid' and s.status = 'waiting' and not exists (
        select from app.session_participants p where p.session_id = s.id and p.role = 'mechanic'
      )
    else r.status = 'failed' or r.status in ('requested', 'pending') and r.created_at < now() - interval '1 hour'
  end
  order by c.settled_at;
comment on view api.paid_unserved is
  'Money we hold for nothing: paid sessions without a mechanic, payments whose price was not the plan''s (refused), and refunds that failed or are on their way for more than an hour. Again: refund_session, or refund_checkout.';

grant select on api.waiting_sessions, api.live_sessions, api.paid_unserved to wrenchline_dba;

create function api.tidy() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.rate_limits l where l.started_at < now() - interval '1 day';
  delete from auth.sign_in_codes c where c.created_at < now() - interval '1 day';
  delete from auth.logins l
  where least(l.expires_at, l.revoked_at) < now() - interval '30 days'; -- least() ignores a null
  delete from private.mail m where m.sent_at < now() - interval '7 days';
  -- Guests who looked around and left. Whoever told, paid or said something stays.
  delete from auth.users where id in (
    select u.id from auth.users u
    where u.email is null and u.created_at < now() - interval '30 days'
      and not exists (
        select from auth.logins l where l.user_id = u.id and l.revoked_at is null and l.expires_at > now()
      )
      and not exists (select from app.intakes i where i.user_id = u.id)
      and not exists (select from app.checkouts c where c.user_id = u.id)
      and not exists (select from app.session_participants p where p.user_id = u.id)
      and not exists (select from app.chat_messages m where m.sender_id = u.id)
    limit 20000 -- within a statement's time; the rest tomorrow
  );
end;
$$;
comment on function api.tidy() is
  'Deletes what nobody needs any more: old limits, codes, logins and kept mail, and guests who left nothing. A job calls it every day; harmless when repeated.';
grant execute on function api.tidy() to wrenchline_backstage;
