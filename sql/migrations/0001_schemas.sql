-- Four schemas, by exposure. Everything is wrenchline_owner's, and nothing is
-- PUBLIC's: default privileges close what is made later, and the global form
-- (without "in schema") is the one that works for functions.

create schema app;
comment on schema app is 'Tables people may see rows of. Row security is on for every one.';
create schema api;
comment on schema api is 'One function for each thing a person, the app or a DBA can do.';
create schema auth;
comment on schema auth is 'Users, logins, sign-in codes, and the helpers that policies ask who is asking.';
-- The runner made this one, to keep its list of migrations in.
alter table private.migrations enable row level security;
comment on table private.migrations is 'Which files of sql/migrations/ this database has had, and when.';
comment on schema private is 'What nobody reads directly: counters, Stripe''s events and secrets, limits, helpers.';

alter default privileges revoke execute on functions from public;
alter default privileges revoke all on tables from public;
alter default privileges revoke usage on types from public;

-- Names are looked up when a statement is parsed, so every role that calls
-- anything needs usage; what it may touch there is said table by table.
grant usage on schema app, auth, api to
  wrenchline_web, wrenchline_anon, wrenchline_customer, wrenchline_mechanic,
  wrenchline_dispatcher, wrenchline_relay, wrenchline_backstage, wrenchline_dba;
-- Not private: the functions that need it are the owner's.

create table private.rebuilds (
  chapters_hash text primary key,
  rebuilt_at timestamptz not null default now()
);
alter table private.rebuilds enable row level security;
comment on table private.rebuilds is 'The one row says which sql/logic/ the database stands on; a deploy that changes none of it skips the rebuild.';
