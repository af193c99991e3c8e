-- Money. Stripe tells us by webhook, whose signature is checked here too, so
-- that nothing which holds the web login can forge a payment; or we ask Stripe
-- ourselves and backstage hands in the answer. Both end in private.fulfil, and
-- an event is stored in the transaction of its effect.

create function api.configure_payments(secrets text[], prices jsonb) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.stripe_webhook_secrets s where s.secret <> all (configure_payments.secrets);
  insert into private.stripe_webhook_secrets (secret)
  select unnest(configure_payments.secrets) on conflict do nothing;
  -- What changed goes first: two plans may have swapped their prices.
  delete from private.stripe_prices p where p.price_id is distinct from configure_payments.prices ->> p.plan;
  insert into private.stripe_prices (plan, price_id)
  select key, value from jsonb_each_text(configure_payments.prices) on conflict (plan) do nothing;
end;
$$;
comment on function api.configure_payments(text[], jsonb) is
  'Tells the database the webhook''s signing secrets (two while rotating) and each plan''s Stripe price: {plan: price_id}. Called when the app starts; harmless when repeated.';
grant execute on function api.configure_payments(text[], jsonb) to wrenchline_backstage;

-- A refund is its buyer's to see: that it is on its way and how much, not Stripe's
-- ids nor who decided. A DBA sees all of them, for paid_unserved.
create policy select_self on app.refunds for select
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher
  using (checkout_id = any (array(select c.id from app.checkouts c where c.user_id = (select auth.uid()))));
create policy select_dba on app.refunds for select to wrenchline_dba using (true);
grant select (id, checkout_id, status, amount_cents, created_at) on app.refunds
  to wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
grant select on app.refunds to wrenchline_dba;
-- No insert or update for anybody: what is due comes of api.refund_checkout or a
-- rule of fulfilment, and what became of it is Stripe's to say.

create function private.request_refund(checkout_id uuid, amount_cents integer, reason text, requested_by text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_refund_id uuid;
begin
  insert into app.refunds (checkout_id, amount_cents, reason, requested_by)
  values (request_refund.checkout_id, request_refund.amount_cents, request_refund.reason, request_refund.requested_by)
  on conflict do nothing
  returning id into v_refund_id;
  if v_refund_id is null then
    -- On its way already. Its job may have been given up, though, or Stripe's word lost.
    select r.id into v_refund_id from app.refunds r
    where r.checkout_id = request_refund.checkout_id and r.status in ('requested', 'pending');
  end if;
  if v_refund_id is not null then
    perform private.enqueue(
      'refund_payment', jsonb_build_object('refundId', v_refund_id), job_key => v_refund_id::text
    );
  end if;
end;
$$;
comment on function private.request_refund(uuid, integer, text, text) is
  'Notes that money goes back and adds the job that asks Stripe. Twice is once, a checkout having one refund that did not fail; but its job is begun anew until Stripe has said yes.';

-- The charge's event may come before the checkout's, after it or at the same moment: each takes
-- this lock before it looks for the other, so that whoever is second sees the first.
create function private.receipt_of(payment_intent jsonb) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_id text := case jsonb_typeof(receipt_of.payment_intent) when 'string' then receipt_of.payment_intent #>> '{}' end;
begin
  if v_id is null then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(v_id, 0));
  return (
    select e.payload #>> '{data,object,receipt_url}' from private.stripe_events e
    where e.type = 'charge.succeeded' and e.payload #>> '{data,object,payment_intent}' = v_id
    limit 1
  );
end;
$$;
comment on function private.receipt_of(jsonb) is 'The receipt of a payment intent''s charge, if Stripe has told of it already. Holds a lock on the two until the end.';

create function private.fulfil(checkout jsonb) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := checkout ->> 'client_reference_id';
  v_intent jsonb := checkout -> 'payment_intent';
  v_receipt_url text := private.receipt_of(checkout -> 'payment_intent'); -- its lock before any row's
  v_checkout app.checkouts;
  v_intake app.intakes;
  v_plan app.plans;
  v_email text := checkout -> 'customer_details' ->> 'email';
  v_session_id uuid;
  v_problem text;
begin
  if v_reference ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    -- The intake's row is the lock, as it is for whoever opens a checkout.
    select i.* into v_intake from app.intakes i join app.checkouts c on c.intake_id = i.id
    where c.id = v_reference::uuid for update of i;
    select * into v_checkout from app.checkouts c where c.id = v_reference::uuid for update;
  end if;
  if v_checkout.id is null then
    return jsonb_build_object('outcome', 'kept_aside', 'note', 'no checkout of ours');
  elsif v_checkout.stripe_id <> checkout ->> 'id' then
    return jsonb_build_object('outcome', 'kept_aside', 'note', 'our checkout is another at Stripe');
  elsif v_checkout.status in ('paid', 'duplicate') then
    return jsonb_build_object('outcome', 'repeated', 'sessionId', v_checkout.session_id);
  elsif exists (select from app.refunds r where r.checkout_id = v_checkout.id and r.status <> 'failed') then
    return jsonb_build_object('outcome', 'kept_aside', 'note', 'this money goes back');
  elsif (checkout ->> 'payment_status' in ('paid', 'no_payment_required')) is not true then
    -- A delayed method: the buyer is done, the money is not here yet.
    if checkout ->> 'status' = 'complete' then
      update app.checkouts c set status = 'pending', stripe_id = checkout ->> 'id'
      where c.id = v_checkout.id and c.status <> 'failed';
      return jsonb_build_object('outcome', 'pending');
    end if;
    return jsonb_build_object('outcome', 'stored', 'note', 'not paid');
  end if;

  -- The amount that counts is ours. A promotion code lowers amount_total only.
  v_problem := case
    when (checkout ->> 'amount_subtotal')::bigint is distinct from v_checkout.amount_cents
      then 'the amount is not the plan''s'
    when checkout ->> 'currency' is distinct from v_checkout.currency
      then 'the currency is not the plan''s'
    when checkout ? 'line_items' and (
      select array_agg((i -> 'price' ->> 'id') || ' x' || (i ->> 'quantity'))
      from jsonb_array_elements(checkout -> 'line_items' -> 'data') i
    ) is distinct from (
      select array[p.price_id || ' x1'] from private.stripe_prices p where p.plan = v_checkout.plan
    )
      then 'the price is not the plan''s'
    when (select u.role from auth.users u where u.id = v_checkout.user_id) <> 'customer'
      then 'the buyer works here' -- since they went to pay; a refusal would have Stripe ask for ever
  end;
  update app.checkouts c set
    stripe_id = checkout ->> 'id',
    payment_intent = case jsonb_typeof(v_intent) when 'object' then v_intent ->> 'id' when 'string' then v_intent #>> '{}' end,
    receipt_url = coalesce(
      case when jsonb_typeof(v_intent -> 'latest_charge') = 'object' then v_intent -> 'latest_charge' ->> 'receipt_url' end,
      v_receipt_url,
      c.receipt_url
    ),
    paid_cents = (checkout ->> 'amount_total')::integer,
    settled_at = now()
  where c.id = v_checkout.id returning * into v_checkout;

  if v_problem is not null then
    update app.checkouts c set status = 'refused' where c.id = v_checkout.id;
    return jsonb_build_object('outcome', 'kept_aside', 'note', v_problem);
  elsif v_intake.session_id is not null then
    -- Paid twice for one intake, in two tabs: the session stays, this money goes back.
    update app.checkouts c set status = 'duplicate', session_id = v_intake.session_id where c.id = v_checkout.id;
    if v_checkout.paid_cents > 0 then
      perform private.request_refund(v_checkout.id, v_checkout.paid_cents, 'duplicate', 'rule');
    end if;
    return jsonb_build_object('outcome', 'duplicate_refunded', 'sessionId', v_intake.session_id);
  end if;

  select * into v_plan from app.plans p where p.id = v_checkout.plan;
  insert into app.sessions (type, plan, length_minutes, metadata)
  values (v_plan.type, v_plan.id, v_plan.length_minutes, jsonb_strip_nulls(jsonb_build_object(
    'intake_id', v_intake.id,
    'customer_email', v_email,
    'vehicle', nullif(v_intake.vehicle, ''),
    'complaint', nullif(v_intake.complaint, ''),
    'checkout_id', v_checkout.id,
    'stripe_checkout_id', checkout ->> 'id',
    'amount_total', checkout -> 'amount_total',
    'currency', checkout ->> 'currency',
    'payment_status', checkout ->> 'payment_status'
  )))
  returning id into v_session_id;
  insert into app.session_participants (session_id, user_id, role)
  values (v_session_id, v_checkout.user_id, 'customer');
  -- The buyer's, also when a guest typed it and became a customer since.
  update app.intakes i set session_id = v_session_id, user_id = v_checkout.user_id where i.id = v_intake.id;
  update app.checkouts c set status = 'paid', session_id = v_session_id where c.id = v_checkout.id;

  -- For the buyer who closed the tab. Only a link: it opens nothing without the login.
  if v_email is not null then
    perform private.enqueue('send_purchase_mail', jsonb_build_object(
      'email', v_email, 'plan', v_plan.name,
      'route', case when v_plan.type = 'chat' then '/chat/' || v_session_id else '/thank-you?session=' || v_session_id end
    ));
  end if;
  return jsonb_build_object('outcome', 'fulfilled', 'sessionId', v_session_id);
end;
$$;
comment on function private.fulfil(jsonb) is
  'Turns Stripe''s Checkout Session into one of ours, however often and in whatever order it is told: {outcome, sessionId, note}. Fulfilment as in https://docs.stripe.com/checkout/fulfillment.';

create function api.fulfil_checkout(checkout jsonb) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_result jsonb := private.fulfil(fulfil_checkout.checkout);
begin
  if v_result ->> 'outcome' = 'stored' and fulfil_checkout.checkout ->> 'status' = 'expired' then
    perform api.close_checkout(fulfil_checkout.checkout ->> 'id', 'expired');
    return jsonb_build_object('outcome', 'expired');
  end if;
  return v_result;
end;
$$;
comment on function api.fulfil_checkout(jsonb) is
  'The same fulfilment, from a Checkout Session that backstage asked Stripe for (line_items expanded). For a webhook that is late or never comes.';
grant execute on function api.fulfil_checkout(jsonb) to wrenchline_backstage;

create function private.is_signed_by_stripe(payload text, signature text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_time text := substring(signature from '(?:^|,)\s*t=([0-9]{1,12})(?:,|$)');
begin
  if v_time is null or abs(extract(epoch from now()) - v_time::bigint) > 300 then
    return false;
  end if;
  return exists (
    select from private.stripe_webhook_secrets s,
      regexp_matches(is_signed_by_stripe.signature, 'v1=([0-9a-f]{64})', 'g') as v1
    -- Hashes of the two are compared, so that how long it takes tells nothing.
    where sha256(decode(v1[1], 'hex')) = sha256(private.hmac_sha256(
      convert_to(s.secret, 'UTF8'), convert_to(v_time || '.' || is_signed_by_stripe.payload, 'UTF8')
    ))
  );
end;
$$;
comment on function private.is_signed_by_stripe(text, text) is
  'Whether a Stripe-Signature header is ours and less than five minutes old. https://docs.stripe.com/webhooks#verify-manually';

create function api.receive_stripe_event(payload text, signature text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_event jsonb;
  v_object jsonb;
  v_result jsonb;
begin
  if private.is_signed_by_stripe(receive_stripe_event.payload, receive_stripe_event.signature) is not true then
    raise exception 'Cannot take the event: its signature is not Stripe''s'
      using errcode = 'SIGNT', hint = 'Compare STRIPE_WEBHOOK_SECRET with the endpoint''s signing secret, and the clocks.';
  end if;
  v_event := receive_stripe_event.payload::jsonb;
  v_object := v_event -> 'data' -> 'object';

  insert into private.stripe_events (id, type, created_at, outcome, payload)
  values (v_event ->> 'id', v_event ->> 'type', to_timestamp((v_event ->> 'created')::bigint), 'stored', v_event)
  on conflict do nothing;
  if not found then
    return jsonb_build_object('outcome', 'repeated'); -- delivered before, and already acted upon
  end if;

  case v_event ->> 'type'
    when 'checkout.session.completed', 'checkout.session.async_payment_succeeded' then
      v_result := private.fulfil(v_object);
    when 'checkout.session.async_payment_failed' then
      perform api.close_checkout(v_object ->> 'id', 'failed');
      v_result := jsonb_build_object('outcome', 'failed');
    when 'checkout.session.expired' then
      perform api.close_checkout(v_object ->> 'id', 'expired');
      v_result := jsonb_build_object('outcome', 'expired');
    when 'refund.created', 'refund.updated', 'refund.failed' then
      v_result := private.settle_refund(v_object);
    when 'charge.succeeded', 'charge.updated' then
      perform private.receipt_of(v_object -> 'payment_intent'); -- for its lock
      update app.checkouts c set receipt_url = v_object ->> 'receipt_url'
      where c.payment_intent = v_object ->> 'payment_intent' and v_object ->> 'receipt_url' is not null;
      v_result := jsonb_build_object('outcome', 'stored');
    else
      v_result := jsonb_build_object('outcome', 'stored');
  end case;

  update private.stripe_events e set outcome = v_result ->> 'outcome', note = v_result ->> 'note'
  where e.id = v_event ->> 'id';
  return v_result;
end;
$$;
comment on function api.receive_stripe_event(text, text) is
  'Takes one webhook delivery, raw body and Stripe-Signature header: stores the event once and acts on it: {outcome, sessionId, note}. Raises SIGNT.';
grant execute on function api.receive_stripe_event(text, text) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.due_refund(refund_id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'refundId', r.id, 'paymentIntent', c.payment_intent,
      'amountCents', r.amount_cents, 'reason', r.reason, 'status', r.status
    )
    from app.refunds r join app.checkouts c on c.id = r.checkout_id
    where r.id = due_refund.refund_id
  );
end;
$$;
comment on function api.due_refund(uuid) is
  'What to ask Stripe for: {refundId, paymentIntent, amountCents, reason, status}, or null.';
grant execute on function api.due_refund(uuid) to wrenchline_backstage;

create function private.settle_refund(refund jsonb) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_named text := refund -> 'metadata' ->> 'refund_id';
  v_status text := case
    when refund ->> 'status' = 'succeeded' then 'succeeded'
    when refund ->> 'status' in ('failed', 'canceled') then 'failed'
    else 'pending'
  end;
  v_refund_id uuid;
begin
  if v_named ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select r.id into v_refund_id from app.refunds r where r.id = v_named::uuid;
  end if;
  if v_refund_id is null then
    select r.id into v_refund_id from app.refunds r where r.stripe_id = refund ->> 'id';
  end if;
  if v_refund_id is null then
    return jsonb_build_object('outcome', 'stored', 'note', 'no refund of ours');
  end if;

  update app.refunds r set
    stripe_id = coalesce(refund ->> 'id', r.stripe_id),
    status = v_status,
    settled_at = case when v_status <> 'pending' then now() end
  where r.id = v_refund_id
    -- Events overtake each other: only a failure may follow a success, and nothing a failure.
    and (r.status in ('requested', 'pending') or r.status = 'succeeded' and v_status = 'failed');
  return case
    when found and v_status = 'failed'
      then jsonb_build_object('outcome', 'refund_failed', 'note', 'refund ' || v_refund_id || ' failed')
    else jsonb_build_object('outcome', 'settled')
  end;
end;
$$;
comment on function private.settle_refund(jsonb) is
  'Follows what Stripe says of a refund of ours, found by metadata.refund_id: {outcome, note}, refund_failed only when that is news.';

create function api.refund_settled(refund_id uuid, stripe_id text, status text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.settle_refund(jsonb_build_object(
    'id', refund_settled.stripe_id, 'status', refund_settled.status,
    'metadata', jsonb_build_object('refund_id', refund_settled.refund_id)
  ));
end;
$$;
comment on function api.refund_settled(uuid, text, text) is
  'Hands in Stripe''s answer to a refund we asked for: its id there and its status. Harmless when repeated.';
grant execute on function api.refund_settled(uuid, text, text) to wrenchline_backstage;

create function api.keep_mail(recipient text, subject text, body text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  insert into private.mail (recipient, subject, body)
  values (keep_mail.recipient, keep_mail.subject, keep_mail.body);
$$;
comment on function api.keep_mail(text, text, text) is 'Keeps a mail on a machine without SMTP, for /dev/mail.';
grant execute on function api.keep_mail(text, text, text) to wrenchline_backstage;

create function api.recent_mail() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', m.id, 'recipient', m.recipient, 'subject', m.subject, 'body', m.body, 'sentAt', m.sent_at
  ) order by m.id desc), '[]')
  from (select * from private.mail order by id desc limit 50) m;
$$;
comment on function api.recent_mail() is 'The last fifty kept mails, newest first: [{id, recipient, subject, body, sentAt}].';
grant execute on function api.recent_mail() to wrenchline_backstage;
