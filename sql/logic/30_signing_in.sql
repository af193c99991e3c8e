-- Becoming somebody: a guest with a cookie, or a customer, mechanic or
-- dispatcher with a code sent by e-mail. Whether an address is known is never
-- told: known or not, the answer and the mail are the same. A wrong code is an
-- answer and not an error, because an error would roll back the count of tries.

create function private.limit_rate(what text, who text, most integer, per interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_times integer;
begin
  insert into private.rate_limits as l (what, who)
  values (limit_rate.what, encode(sha256(convert_to(limit_rate.who, 'UTF8')), 'hex'))
  on conflict on constraint rate_limits_pkey do update set
    times = case when l.started_at < now() - limit_rate.per then 1 else l.times + 1 end,
    started_at = case when l.started_at < now() - limit_rate.per then now() else l.started_at end
  returning l.times into v_times;

  if v_times > limit_rate.most then
    raise exception 'Cannot %: more than % times in %', limit_rate.what, limit_rate.most, limit_rate.per
      using errcode = 'SLOWD';
  end if;
end;
$$;
comment on function private.limit_rate(text, text, integer, interval) is
  'Counts one more time that somebody did something; raises SLOWD beyond the most allowed per interval. The key is stored as a digest.';

create function private.start_login(user_id uuid, proof text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if (start_login.proof ~ '^[0-9a-f]{64}$') is not true then
    raise exception 'Cannot sign in: the proof is not a sha256 in hex' using errcode = 'BADIN';
  end if;
  insert into auth.logins (proof_hash, user_id)
  values (sha256(convert_to(start_login.proof, 'UTF8')), start_login.user_id);
end;
$$;
comment on function private.start_login(uuid, text) is
  'Makes a login for a proof that was made just now: a login never outlives the sign-in it came from.';

create function api.viewer() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'userId', u.id, 'name', u.name, 'email', u.email, 'role', u.role, 'isGuest', u.email is null
  )
  from auth.users u where u.id = auth.uid();
$$;
comment on function api.viewer() is 'Who the caller is: {userId, name, email, role, isGuest}, or null.';
grant execute on function api.viewer() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.continue_as_guest(proof text, client text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
begin
  perform private.limit_rate('continue as a guest', continue_as_guest.client, 600, interval '1 hour');
  insert into auth.users (name) values ('Guest') returning id into v_user_id;
  perform private.start_login(v_user_id, continue_as_guest.proof);
end;
$$;
comment on function api.continue_as_guest(text, text) is
  'Makes a guest and signs them in with a new proof, so that payer and cookie are bound. Raises SLOWD, BADIN.';
grant execute on function api.continue_as_guest(text, text) to wrenchline_anon;

create function private.code_hash(email text, code text) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select private.hmac_sha256(s.value, convert_to(code_hash.email || ' ' || code_hash.code, 'UTF8'))
  from private.secrets s where s.name = 'code_key';
$$;
comment on function private.code_hash(text, text) is 'The keyed hash a sign-in code is stored as.';

create function api.ask_for_code(email text, client text, redirect text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := lower(btrim(ask_for_code.email));
  -- 60 strong random bits down to six digits: the bias is below one in 10^12.
  v_code text := lpad((('x' || encode(substring(uuid_send(gen_random_uuid()) from 9 for 8), 'hex'))::bit(64)::bigint
    & 1152921504606846975) % 1000000 || '', 6, '0');
  v_token text := encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
  v_code_id uuid;
begin
  if v_email is null or length(v_email) > 254 or v_email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' then
    raise exception 'Cannot send a code: that is not an e-mail address'
      using errcode = 'BADIN', detail = 'That does not look like an e-mail address.';
  end if;
  -- By asker first: a stranger who asks in Marco's name must not keep Marco from asking.
  perform private.limit_rate('ask for codes to one address', v_email || ' ' || ask_for_code.client, 5, interval '15 minutes');
  perform private.limit_rate('have codes sent to one address', v_email, 20, interval '15 minutes');
  perform private.limit_rate('ask for codes', ask_for_code.client, 60, interval '1 hour');

  -- Earlier codes stay good: whoever asks next must not spoil the one just read.
  insert into auth.sign_in_codes (email, code_hash, link_hash, asked_by, redirect)
  values (
    v_email, private.code_hash(v_email, v_code), sha256(convert_to(v_token, 'UTF8')),
    (select u.id from auth.users u where u.id = auth.uid() and u.email is null), ask_for_code.redirect
  )
  returning id into v_code_id;

  perform private.enqueue('send_sign_in_code', jsonb_build_object(
    'email', v_email, 'code', v_code, 'token', v_token
  ), max_attempts => 6); -- which takes four minutes: an old code helps nobody
  return v_code_id;
end;
$$;
comment on function api.ask_for_code(text, text, text) is
  'Mails a six-digit code and a link, good for ten minutes and one use, and answers with the code''s id (not the code). Says the same whether or not the address is known. Raises BADIN, SLOWD.';
grant execute on function api.ask_for_code(text, text, text) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function private.merge_guest(guest_id uuid, user_id uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- The draft typed a moment ago wins over one left behind earlier.
  -- Its row stays, because checkouts may hang on it.
  update app.intakes i set vehicle = g.vehicle, complaint = g.complaint, updated_at = now()
  from app.intakes g
  where i.user_id = merge_guest.user_id and i.session_id is null
    and g.user_id = merge_guest.guest_id and g.session_id is null and (g.vehicle, g.complaint) <> ('', '');
  update app.intakes i set user_id = merge_guest.user_id
  where i.user_id = merge_guest.guest_id
    and (i.session_id is not null or not exists (
      select from app.intakes o where o.user_id = merge_guest.user_id and o.session_id is null
    ));
  update app.checkouts c set user_id = merge_guest.user_id where c.user_id = merge_guest.guest_id;
  update app.session_participants p set user_id = merge_guest.user_id where p.user_id = merge_guest.guest_id;
  update app.chat_messages m set sender_id = merge_guest.user_id where m.sender_id = merge_guest.guest_id;
end;
$$;
comment on function private.merge_guest(uuid, uuid) is
  'Gives what a guest bought and said to the customer they proved to be. Only ever after a code; never because addresses look alike.';

create function private.sign_in(code auth.sign_in_codes, proof text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_guest_id uuid;
  v_has_bought boolean;
  v_user auth.users;
begin
  select u.id into v_guest_id from auth.users u where u.id = auth.uid() and u.email is null;
  v_has_bought := exists (select from app.session_participants p where p.user_id = v_guest_id)
    or exists (select from app.checkouts c where c.user_id = v_guest_id and c.status in ('open', 'pending'));
  -- No key is changed below, and a plain "for update" would wait for payments that point here.
  select * into v_user from auth.users u where u.email = (sign_in.code).email for no key update;

  case
    -- A link that somebody else asked for, pressed here: signing in would hand over, or lose, what was bought.
    when v_has_bought and v_guest_id is distinct from (sign_in.code).asked_by then
      raise exception 'Cannot sign in: the guest here bought something, and did not ask for this code'
        using errcode = 'DNIED', detail = 'You bought something in this browser as a guest. To keep it, ask for a new code here and use that one.';
    when v_has_bought and v_user.role <> 'customer' then
      raise exception 'Cannot sign in: the guest here bought something, and % works for us', v_user.name
        using errcode = 'DNIED', detail = 'You bought something in this browser as a guest. Use another address to keep it, or another browser to sign in.';
    when v_guest_id is null or v_guest_id is distinct from (sign_in.code).asked_by or v_user.role <> 'customer' then
      if v_user.id is null then
        insert into auth.users (email, name) values ((sign_in.code).email, 'Customer') returning * into v_user;
      end if;
    when v_user.id is not null then
      perform private.merge_guest(v_guest_id, v_user.id);
    else
      update auth.users u set email = (sign_in.code).email, name = 'Customer'
      where u.id = v_guest_id returning * into v_user;
  end case;

  -- The cookie from before the sign-in ends here: whoever planted it gains nothing.
  update auth.logins l set revoked_at = now()
  where l.proof_hash = sha256(convert_to(nullif(current_setting('app.proof', true), ''), 'UTF8'))
    and l.revoked_at is null;
  perform private.start_login(v_user.id, sign_in.proof);
  return v_user.role;
end;
$$;
comment on function private.sign_in(auth.sign_in_codes, text) is
  'Signs in the owner of an address that was just proved, turning the guest who asked into that customer. Answers with their role. Raises DNIED rather than lose what another guest bought.';

create function api.sign_in_with_code(
  email text, code text, proof text, client text, asked uuid default null
) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := lower(btrim(sign_in_with_code.email));
  v_code auth.sign_in_codes;
begin
  perform private.limit_rate('try codes', sign_in_with_code.client, 100, interval '1 hour');

  -- The code this browser asked for; for one that does not remember, the last.
  select * into v_code from auth.sign_in_codes c
  where c.email = v_email and (sign_in_with_code.asked is null or c.id = sign_in_with_code.asked)
  order by c.created_at desc limit 1 for update;

  if v_code.id is null or v_code.used_at is not null or v_code.expires_at <= now() then
    return jsonb_build_object('outcome', 'expired');
  elsif v_code.tries >= 5 or (
    -- Six digits fall to patience: after so many a day only the mailed link opens.
    select sum(c.tries) from auth.sign_in_codes c
    where c.email = v_email and c.created_at > now() - interval '1 day'
  ) >= 30 then
    return jsonb_build_object('outcome', 'locked');
  -- "is distinct from": with <> a code that is null would be neither wrong nor right, and go on.
  elsif v_code.code_hash is distinct from
    private.code_hash(v_email, regexp_replace(sign_in_with_code.code, '\D', '', 'g'))
  then
    update auth.sign_in_codes c set tries = c.tries + 1 where c.id = v_code.id;
    return jsonb_build_object(
      'outcome', case when v_code.tries + 1 >= 5 then 'locked' else 'wrong' end,
      'triesLeft', 4 - v_code.tries
    );
  end if;

  update auth.sign_in_codes c set used_at = now() where c.id = v_code.id;
  return jsonb_build_object(
    'outcome', 'signed_in',
    'role', private.sign_in(v_code, sign_in_with_code.proof),
    'redirect', v_code.redirect
  );
end;
$$;
comment on function api.sign_in_with_code(text, text, text, text, uuid) is
  'Signs in with a mailed code, the one of that id or else the last: {outcome: signed_in | wrong | expired | locked, triesLeft, role, redirect}. Raises SLOWD, BADIN, DNIED.';
grant execute on function api.sign_in_with_code(text, text, text, text, uuid) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.sign_in_with_link(token text, proof text, client text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_code auth.sign_in_codes;
begin
  perform private.limit_rate('try codes', sign_in_with_link.client, 100, interval '1 hour');

  update auth.sign_in_codes c set used_at = now()
  where c.link_hash = sha256(convert_to(sign_in_with_link.token, 'UTF8'))
    and c.used_at is null and c.expires_at > now() and c.tries < 5
  returning * into v_code;
  if v_code.id is null then
    return jsonb_build_object('outcome', 'expired');
  end if;
  return jsonb_build_object(
    'outcome', 'signed_in',
    'role', private.sign_in(v_code, sign_in_with_link.proof),
    'redirect', v_code.redirect
  );
end;
$$;
comment on function api.sign_in_with_link(text, text, text) is
  'Signs in with the token of a mailed link: {outcome: signed_in | expired, role, redirect}. Raises SLOWD, BADIN, DNIED.';
grant execute on function api.sign_in_with_link(text, text, text) to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.sign_out() returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  update auth.logins l set revoked_at = now()
  where l.proof_hash = sha256(convert_to(nullif(current_setting('app.proof', true), ''), 'UTF8'))
    and l.revoked_at is null;
$$;
comment on function api.sign_out() is 'Ends the login this request came with. Harmless when there is none.';
grant execute on function api.sign_out() to
  wrenchline_anon, wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;

create function api.sign_out_everywhere() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := private.require_user();
begin
  update auth.logins l set revoked_at = now()
  where l.user_id = v_user_id and l.revoked_at is null;
end;
$$;
comment on function api.sign_out_everywhere() is 'Ends every login of the caller, open sockets included. Raises LOGIN.';
grant execute on function api.sign_out_everywhere() to
  wrenchline_customer, wrenchline_mechanic, wrenchline_dispatcher;
