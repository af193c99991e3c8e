-- Who sits in a session, what was said, and the counter that orders it all.

create table private.session_versions (
  session_id uuid primary key references app.sessions on delete cascade,
  version bigint not null default 1,
  participants_version bigint not null default 0,
  constraint session_versions_only_grow check (version >= 1 and participants_version <= version)
) with (fillfactor = 50);
alter table private.session_versions enable row level security;
comment on table private.session_versions is
  'The counter each session''s changes are numbered from. Its row is locked first, so numbers are gapless and in commit order; a sequence would lose late commits. Narrow and half full, so that raising it never touches an index.';
comment on column private.session_versions.participants_version is
  'The version at which somebody last sat down or left: a seat that is gone has no row to carry it.';

create table app.session_participants (
  session_id uuid not null references app.sessions on delete cascade,
  user_id uuid not null references auth.users on delete cascade,
  role text not null,
  joined_at timestamptz not null default now(),
  version bigint not null default 0,
  primary key (session_id, user_id),
  constraint session_participants_role_is_known check (role in ('customer', 'mechanic', 'observer'))
);
alter table app.session_participants enable row level security;
create index session_participants_user_id on app.session_participants (user_id, session_id);
create unique index session_participants_one_customer on app.session_participants (session_id)
  where role = 'customer';
comment on table app.session_participants is 'A user''s seat in a session. Insert one to let somebody in, delete it to put them out; both are live at once.';

create table app.chat_messages (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null references app.sessions on delete cascade,
  sender_id uuid not null references auth.users on delete restrict,
  client_id uuid not null default gen_random_uuid(),
  body text not null,
  sender_name text not null,
  sender_role text not null,
  version bigint not null,
  created_at timestamptz not null default now(),
  constraint chat_messages_are_sent_once unique (session_id, sender_id, client_id),
  constraint chat_messages_are_numbered unique (session_id, version),
  constraint chat_messages_say_something check (body ~ '\S'),
  constraint chat_messages_are_not_too_long check (length(body) <= 4000),
  constraint chat_messages_come_from_a_seat check (sender_role in ('customer', 'mechanic', 'observer'))
);
alter table app.chat_messages enable row level security;
create index chat_messages_sender_id on app.chat_messages (sender_id);
comment on table app.chat_messages is 'Something said in a session.';
comment on column app.chat_messages.client_id is 'Made by the sender''s browser; a repeat answers with the stored row.';
comment on column app.chat_messages.version is 'The session''s version when this row last changed; set by a trigger, never by a caller.';
comment on column app.chat_messages.sender_name is 'As it was when this was said, so that history survives a seat that is gone.';
