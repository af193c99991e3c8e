-- What Stripe told us, what we owe back, and the mail of a machine without SMTP.

create table private.stripe_webhook_secrets (
  secret text primary key,
  configured_at timestamptz not null default now()
);
alter table private.stripe_webhook_secrets enable row level security;
comment on table private.stripe_webhook_secrets is
  'The signing secrets of our webhook endpoint. In clear, because checking an HMAC needs the key; that is why nobody is granted this table.';

create table private.stripe_prices (
  plan text primary key references app.plans on delete cascade,
  price_id text not null unique
);
alter table private.stripe_prices enable row level security;
comment on table private.stripe_prices is 'Which Stripe price stands for which plan, from the environment of the running app.';

create table private.stripe_events (
  id text primary key,
  type text not null,
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  outcome text not null,
  note text,
  payload jsonb not null
);
alter table private.stripe_events enable row level security;
create index stripe_events_charges on private.stripe_events ((payload #>> '{data,object,payment_intent}')) where type = 'charge.succeeded';
create index stripe_events_kept_aside on private.stripe_events (received_at) where outcome = 'kept_aside';
comment on table private.stripe_events is 'Every event Stripe sent, once, with what we made of it.';
comment on column private.stripe_events.outcome is 'fulfilled, repeated, duplicate_refunded, pending, expired, failed, settled, refund_failed, kept_aside (a person should look), stored (nothing to do).';

create table app.refunds (
  id uuid primary key default gen_random_uuid(),
  checkout_id uuid not null references app.checkouts on delete restrict,
  amount_cents integer not null,
  reason text not null,
  status text not null default 'requested',
  stripe_id text unique,
  requested_by text not null,
  created_at timestamptz not null default now(),
  settled_at timestamptz,
  constraint refunds_amount_is_positive check (amount_cents > 0),
  constraint refunds_status_is_known check (status in ('requested', 'pending', 'succeeded', 'failed'))
);
alter table app.refunds enable row level security;
-- Money goes back once: two clicks, or a rule and a person, meet here.
create unique index refunds_one_at_a_time on app.refunds (checkout_id) where status <> 'failed';
create index refunds_checkout_id on app.refunds (checkout_id);
comment on table app.refunds is 'Money on its way back. The id is Stripe''s idempotency key, so asking twice refunds once.';
comment on column app.refunds.status is
  'requested (a job asks Stripe) > pending (the bank is at it) > succeeded; failed, also after that: money we still hold.';

create table private.mail (
  id bigint generated always as identity primary key,
  recipient text not null,
  subject text not null,
  body text not null,
  sent_at timestamptz not null default now()
);
alter table private.mail enable row level security;
comment on table private.mail is 'Mail of a machine without an SMTP server, shown at /dev/mail. Empty in production.';
