-- The shop: what is on sale, the intake, and the way to Stripe's pay page.
-- Money itself is chapter 80.

-- Anybody may read the price list; a DBA edits it.
create policy select_everybody on app.plans for select
  to wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher, wrenchline_dba
  using (true);
create policy update_dba on app.plans for update to wrenchline_dba using (true) with check (true);
grant select on app.plans to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher, wrenchline_dba;
grant update (name, tagline, includes, excludes, price_cents, length_minutes, position) on app.plans to wrenchline_dba;

-- An intake is its customer's, and readable by those who share the session.
create policy select_self on app.intakes for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (user_id = (select auth.uid()));
create policy select_participant on app.intakes for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (session_id = any (array(select auth.my_session_ids())));
create policy select_dispatcher on app.intakes for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
create policy select_dba on app.intakes for select to wrenchline_dba using (true);
grant select on app.intakes to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher, wrenchline_dba;
-- Visitors have the grant, here and on checkouts and sessions, and no policy: a
-- page asks who is there and what is theirs in one go, and a visitor or a stale
-- cookie gets no rows instead of an error.
-- No insert or update: it arrives through api.save_intake, which keeps one draft each.
-- No delete: a refund may turn on what was said before paying.

-- A checkout is its buyer's. The pay page's address is for the buyer only, and
-- Stripe's ids are not for browsers at all.
create policy select_self on app.checkouts for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (user_id = (select auth.uid()));
create policy select_dispatcher on app.checkouts for select to wrenchline_dispatcher
  using ((select auth.my_role()) = 'dispatcher');
create policy select_dba on app.checkouts for select to wrenchline_dba using (true);
grant select (id, user_id, plan, amount_cents, paid_cents, currency, status, receipt_url, session_id, created_at, settled_at)
  on app.checkouts to wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
-- No policy for visitors: see the intakes.
grant select on app.checkouts to wrenchline_dba;

create function api.present_wait() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := auth.uid();
begin
  return jsonb_build_object(
    -- Before whoever asks: their own session is not in their way.
    'waiting', (
      select count(*) from app.sessions s
      where s.status = 'waiting' and not exists (
        select from app.session_participants p where p.session_id = s.id and p.user_id = v_user_id
      )
    ),
    'mechanicsOnDuty', (
      select count(*) from auth.users u
      where u.role = 'mechanic' and exists (
        select from auth.logins l
        where l.user_id = u.id and l.revoked_at is null and l.expires_at > now()
      )
    )
  );
end;
$$;
comment on function api.present_wait() is
  'How busy we are, for the price list: {waiting, mechanicsOnDuty}. Counts only, nobody''s names. On duty means signed in.';
grant execute on function api.present_wait() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function private.draft_intake(user_id uuid) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_intake_id uuid;
begin
  insert into app.intakes (user_id) values (draft_intake.user_id)
  on conflict (user_id) where session_id is null do update set user_id = excluded.user_id
  returning id into v_intake_id; -- and its row is locked
  return v_intake_id;
end;
$$;
comment on function private.draft_intake(uuid) is 'The user''s one draft, made if there is none, and locked until the transaction ends.';

create function api.save_intake(vehicle text, complaint text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := private.require_user();
  v_intake_id uuid;
begin
  if length(save_intake.vehicle) > 200 or length(save_intake.complaint) > 4000 then
    raise exception 'Cannot save the intake: it is too long'
      using errcode = 'TOOLG', detail = 'The vehicle may be 200 characters long, the description 4,000.';
  end if;
  v_intake_id := private.draft_intake(v_user_id);
  update app.intakes i set
    vehicle = coalesce(btrim(save_intake.vehicle), ''),
    complaint = coalesce(btrim(save_intake.complaint), ''),
    updated_at = now()
  where i.id = v_intake_id;
  return v_intake_id;
end;
$$;
comment on function api.save_intake(text, text) is
  'Keeps the caller''s draft intake and answers with its id. Raises LOGIN, TOOLG.';
grant execute on function api.save_intake(text, text) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.open_checkout(plan text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := private.require_user();
  v_plan app.plans;
  v_intake_id uuid;
  v_supersedes text[];
  v_checkout app.checkouts;
begin
  -- The seat this would buy is a customer's, and no payment may end in a refusal.
  if auth.my_role() <> 'customer' then
    raise exception 'Cannot open a checkout: user % works here', v_user_id
      using errcode = 'DNIED', detail = 'You are signed in as somebody who works here: buy with another address.';
  end if;
  select * into v_plan from app.plans p where p.id = open_checkout.plan;
  if v_plan.id is null then
    raise exception 'Cannot open a checkout: there is no plan %', open_checkout.plan
      using errcode = 'NPLAN',
        detail = 'The plans are ' || (select string_agg(p.id, ', ' order by p.position) from app.plans p) || '.';
  end if;

  -- The draft's row is the lock: two tabs pressing at once are one after the other.
  v_intake_id := private.draft_intake(v_user_id);

  -- What can still be paid for this intake and must not be, once this is open.
  update app.checkouts c set status = 'expired'
  where c.intake_id = v_intake_id and c.status in ('opening', 'open')
    and (c.plan <> v_plan.id or c.amount_cents <> v_plan.price_cents or c.currency <> v_plan.currency
      -- Stripe makes no page that is to last less than half an hour.
      or c.expires_at < now() + case when c.stripe_id is null then interval '35 minutes' else interval '10 minutes' end);

  -- Not settled until Stripe was told: should that fail now, the next press asks again.
  select coalesce(array_agg(c.stripe_id), '{}') into v_supersedes
  from app.checkouts c
  where c.intake_id = v_intake_id and c.status = 'expired' and c.settled_at is null and c.stripe_id is not null;

  select * into v_checkout from app.checkouts c
  where c.intake_id = v_intake_id and c.status in ('opening', 'open');
  if v_checkout.id is null then
    perform private.limit_rate('go to pay', v_user_id::text, 30, interval '10 minutes');
    insert into app.checkouts (user_id, intake_id, plan, amount_cents, currency)
    values (v_user_id, v_intake_id, v_plan.id, v_plan.price_cents, v_plan.currency)
    returning * into v_checkout;
  end if;

  return jsonb_build_object(
    'checkoutId', v_checkout.id, 'stripeId', v_checkout.stripe_id, 'url', v_checkout.url,
    'plan', v_plan.id, 'name', v_plan.name,
    'priceCents', v_checkout.amount_cents, 'currency', v_checkout.currency,
    'intakeId', v_intake_id, 'userId', v_user_id,
    'email', (select u.email from auth.users u where u.id = v_user_id),
    'createdAt', v_checkout.created_at, 'expiresAt', v_checkout.expires_at,
    'supersedes', to_jsonb(v_supersedes)
  );
end;
$$;
comment on function api.open_checkout(text) is
  'The caller''s one payable checkout for this plan and their draft intake, made or found again; "supersedes" lists Stripe''s ids of those to expire first. Raises LOGIN, DNIED, NPLAN, SLOWD.';
grant execute on function api.open_checkout(text) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.record_checkout(checkout_id uuid, stripe_id text, url text, expires_at timestamptz) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Only from opening: the webhook may have been faster, and may have settled it.
  update app.checkouts c set
    status = case when c.status = 'opening' then 'open' else c.status end,
    stripe_id = record_checkout.stripe_id, url = record_checkout.url, expires_at = record_checkout.expires_at
  where c.id = record_checkout.checkout_id
    and (c.stripe_id is null or c.stripe_id = record_checkout.stripe_id);
  if not found then
    raise exception 'Cannot record a checkout: % is not one of ours, or is another at Stripe', record_checkout.checkout_id
      using errcode = 'NTFND';
  end if;
end;
$$;
comment on function api.record_checkout(uuid, text, text, timestamptz) is
  'Keeps what Stripe answered when asked for a pay page. Harmless when repeated. Raises NTFND.';
grant execute on function api.record_checkout(uuid, text, text, timestamptz) to wrenchline_backstage;

create function api.close_checkout(stripe_id text, status text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if (close_checkout.status in ('expired', 'failed')) is not true then
    raise exception 'Cannot close a checkout as %', close_checkout.status using errcode = 'BADIN';
  end if;
  update app.checkouts c set status = close_checkout.status, settled_at = now()
  where c.stripe_id = close_checkout.stripe_id
    and (c.status in ('opening', 'open', 'pending') or c.status = 'expired' and c.settled_at is null);
end;
$$;
comment on function api.close_checkout(text, text) is
  'Marks a checkout that can no longer be paid (expired or failed). Never touches one that was. Raises BADIN.';
grant execute on function api.close_checkout(text, text) to wrenchline_backstage;

create function api.claim_asking(stripe_id text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update app.checkouts c set asked_at = now()
  where c.stripe_id = claim_asking.stripe_id
    and (c.asked_at is null or c.asked_at <= now() - interval '2 seconds');
  return found;
end;
$$;
comment on function api.claim_asking(text) is
  'Whether to ask Stripe how a checkout stands: true to one caller every two seconds, however many pages look.';
grant execute on function api.claim_asking(text) to wrenchline_backstage;

create function api.checkout_state(stripe_id text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := private.require_user();
  v_state jsonb;
begin
  select jsonb_build_object(
    'status', case
      when c.status in ('opening', 'open') then 'open'
      when c.status = 'duplicate' then 'paid'
      when s.status = 'refunded' then 'refunded'
      else c.status
    end,
    'plan', c.plan,
    'isDuplicate', c.status = 'duplicate',
    'sessionId', s.id,
    'type', s.type,
    'route', case
      when s.id is null then null
      when s.type = 'chat' then '/chat/' || s.id
      else '/thank-you?session=' || s.id
    end
  ) into v_state
  from app.checkouts c left join app.sessions s on s.id = c.session_id
  where c.stripe_id = checkout_state.stripe_id and c.user_id = v_user_id;

  if v_state is null then
    raise exception 'Cannot tell about that checkout: the caller has none of that name' using errcode = 'NTFND';
  end if;
  return v_state;
end;
$$;
comment on function api.checkout_state(text) is
  'How the caller''s own checkout stands: {status, plan, isDuplicate, sessionId, type, route}. Raises LOGIN, NTFND.';
grant execute on function api.checkout_state(text) to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
