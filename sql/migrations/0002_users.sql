-- Who can sign in, from where, and with which code.

create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  name text not null,
  role text not null default 'customer',
  created_at timestamptz not null default now(),
  constraint users_role_is_known check (role in ('customer', 'mechanic', 'dispatcher')),
  constraint users_email_is_an_address check (
    email = lower(email) and length(email) <= 254 and email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
  ),
  constraint users_name_is_said check (length(btrim(name)) between 1 and 80),
  constraint users_who_work_here_have_an_email check (role = 'customer' or email is not null)
);
alter table auth.users enable row level security;
-- Customers are many and staff are few: who is on duty is asked by every price list.
create index users_staff on auth.users (role) where role <> 'customer';
comment on table auth.users is 'Anyone who can sign in. A customer without an email is a guest, known by a cookie only.';
comment on column auth.users.email is 'Lower case. Null for a guest, until a code sent there proves an address is theirs.';

create table auth.logins (
  id uuid primary key default gen_random_uuid(),
  proof_hash bytea not null unique,
  user_id uuid not null references auth.users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days',
  revoked_at timestamptz,
  constraint logins_proof_hash_is_sha256 check (length(proof_hash) = 32)
);
alter table auth.logins enable row level security;
create index logins_user_id on auth.logins (user_id);
comment on table auth.logins is 'A browser that is signed in. Deleting or revoking the row ends it at the next statement.';
comment on column auth.logins.proof_hash is 'sha256 of the proof; the proof is sha256 of the cookie. Neither is stored, so a dump opens nothing.';

create table auth.sign_in_codes (
  id uuid primary key default gen_random_uuid(),
  email text not null,
  code_hash bytea not null,
  link_hash bytea not null unique,
  asked_by uuid references auth.users on delete set null,
  redirect text,
  tries integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null default now() + interval '10 minutes',
  used_at timestamptz,
  constraint sign_in_codes_allow_five_tries check (tries between 0 and 5)
);
alter table auth.sign_in_codes enable row level security;
create index sign_in_codes_email on auth.sign_in_codes (email, created_at desc);
create index sign_in_codes_asked_by on auth.sign_in_codes (asked_by);
comment on table auth.sign_in_codes is 'Codes sent by e-mail: ten minutes, five tries, one use.';
comment on column auth.sign_in_codes.code_hash is 'A keyed hash: six digits alone would be guessed from a dump in a moment.';
comment on column auth.sign_in_codes.asked_by is
  'The guest who asked, if one did. Only what they bought may come along: a link that somebody else asked for takes nothing with it.';
comment on column auth.sign_in_codes.link_hash is 'sha256 of the token in the mailed link, which is the same code in another shape.';

create table private.secrets (
  name text primary key,
  value bytea not null
);
alter table private.secrets enable row level security;
comment on table private.secrets is 'Keys the database made for itself. Nobody is granted this table.';
-- 244 random bits each, from the strong generator that makes version 4 uuids.
insert into private.secrets (name, value)
values ('code_key', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

create table private.rate_limits (
  what text not null,
  who text not null,
  started_at timestamptz not null default now(),
  times integer not null default 1,
  primary key (what, who)
);
alter table private.rate_limits enable row level security;
create index rate_limits_started_at on private.rate_limits (started_at);
comment on table private.rate_limits is 'How often somebody did something in the present window. Keys are digests, not addresses.';
