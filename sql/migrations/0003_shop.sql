-- What is on sale, what the customer told us, and what they went to pay.

create table app.plans (
  id text primary key,
  type text not null,
  name text not null,
  tagline text not null,
  includes text[] not null,
  excludes text[] not null,
  price_cents integer not null,
  currency text not null default 'usd',
  length_minutes integer not null,
  position integer not null unique,
  constraint plans_type_is_known check (type in ('chat', 'video', 'diagnostic')),
  constraint plans_price_is_positive check (price_cents > 0),
  constraint plans_currency_is_iso check (currency ~ '^[a-z]{3}$'),
  constraint plans_last_a_while check (length_minutes between 1 and 600)
);
alter table app.plans enable row level security;
comment on table app.plans is 'What is on sale. The amount that counts is this one; Stripe''s is compared with it.';

insert into app.plans (id, type, name, tagline, includes, excludes, price_cents, length_minutes, position) values
  ('chat10', 'chat', 'Quick Chat', 'A straight answer about one problem, in writing.',
   array['10 minutes one-to-one with a working mechanic', 'The transcript, to keep', 'What to check yourself, and what it should cost'],
   array['No video', 'No written report'], 999, 10, 1),
  ('video15', 'video', 'Live Video', 'Show the noise, the leak or the light. Let a mechanic look.',
   array['15 minutes of live video with a working mechanic', 'Chat alongside', 'A second pair of eyes while you have the hood open'],
   array['No written report'], 2999, 15, 2),
  ('diagnostic', 'diagnostic', 'Diagnostic', 'A full remote examination with a written report.',
   array['45 minutes with a mechanic who works through it with you', 'A written report with findings and likely cost', 'A verdict: safe to drive, with care, or not'],
   array['It cannot replace a lift: the report says what could not be checked'], 4999, 45, 3);

create table app.sessions (
  id uuid primary key default gen_random_uuid(),
  type text not null,
  plan text not null references app.plans on delete restrict,
  status text not null default 'waiting',
  length_minutes integer not null,
  created_at timestamptz not null default now(),
  live_at timestamptz,
  ended_at timestamptz,
  ended_reason text,
  metadata jsonb not null default '{}',
  version bigint not null default 0,
  constraint sessions_type_is_known check (type in ('chat', 'video', 'diagnostic')),
  constraint sessions_status_is_known check (status in ('waiting', 'live', 'ended', 'refunded')),
  constraint sessions_last_a_while check (length_minutes between 1 and 1440),
  constraint sessions_end_after_they_start check (ended_at >= created_at),
  constraint sessions_are_over_when_ended check ((status in ('ended', 'refunded')) = (ended_at is not null)),
  constraint sessions_metadata_is_an_object check (jsonb_typeof(metadata) = 'object')
);
alter table app.sessions enable row level security;
create index sessions_plan on app.sessions (plan);
create index sessions_open on app.sessions (status, created_at) where status in ('waiting', 'live');
comment on table app.sessions is 'The paid chat, video call or diagnostic.';
comment on column app.sessions.metadata is 'What came with the purchase (intake_id, customer_email, Stripe''s ids). For DBAs; never shown to a browser.';
comment on column app.sessions.version is 'The session''s version when this row last changed.';

create table app.intakes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users on delete cascade,
  session_id uuid unique references app.sessions on delete cascade,
  vehicle text not null default '',
  complaint text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint intakes_vehicle_is_short check (length(vehicle) <= 200),
  constraint intakes_complaint_fits check (length(complaint) <= 4000)
);
alter table app.intakes enable row level security;
create unique index intakes_have_one_draft on app.intakes (user_id) where session_id is null;
create index intakes_user_id on app.intakes (user_id);
comment on table app.intakes is 'The vehicle and the complaint, told before or while waiting.';
comment on column app.intakes.session_id is 'Null while it is a draft; the session it was paid for afterwards.';

create table app.checkouts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users on delete restrict,
  intake_id uuid not null references app.intakes on delete restrict,
  plan text not null references app.plans on delete restrict,
  amount_cents integer not null,
  paid_cents integer,
  currency text not null,
  status text not null default 'opening',
  stripe_id text unique,
  url text,
  payment_intent text,
  receipt_url text,
  session_id uuid references app.sessions on delete restrict,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '2 hours',
  asked_at timestamptz,
  settled_at timestamptz,
  constraint checkouts_status_is_known check (
    status in ('opening', 'open', 'pending', 'paid', 'duplicate', 'expired', 'failed', 'refused')
  ),
  constraint checkouts_amount_is_positive check (amount_cents > 0),
  constraint checkouts_paid_is_no_debt check (paid_cents >= 0),
  constraint checkouts_paid_have_a_session check (status not in ('paid', 'duplicate') or session_id is not null)
);
alter table app.checkouts enable row level security;
create index checkouts_user_id on app.checkouts (user_id, created_at desc);
create index checkouts_intake_id on app.checkouts (intake_id);
create index checkouts_plan on app.checkouts (plan);
create index checkouts_session_id on app.checkouts (session_id);
create index checkouts_payment_intent on app.checkouts (payment_intent) where payment_intent is not null;
create unique index checkouts_open_one_per_intake on app.checkouts (intake_id)
  where status in ('opening', 'open');
comment on table app.checkouts is 'One trip to Stripe''s pay page. Its id is the idempotency key and Stripe''s client_reference_id.';
comment on column app.checkouts.status is
  'opening (Stripe not yet asked) > open > paid; pending is a delayed payment method; duplicate was paid a second time and is refunded; refused had a price that is not ours.';
comment on column app.checkouts.amount_cents is 'The plan''s price when the customer went to pay, in cents.';
comment on column app.checkouts.paid_cents is 'What came of it, in cents: less with a promotion code, null before it is settled.';
comment on column app.checkouts.asked_at is 'When somebody looking at it last had us ask Stripe, so that nobody has us ask all the time.';
