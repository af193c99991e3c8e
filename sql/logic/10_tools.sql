-- Two tools the other chapters stand on: a keyed hash, and a job that exists
-- if and only if the transaction that asked for it does.

create function private.hmac_sha256(key bytea, message bytea) returns bytea
language plpgsql immutable strict security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- Keys longer than a block are hashed first; all are padded to 64 bytes.
  v_key bytea := case when length(key) > 64 then sha256(key) else key end;
  v_inner bytea := decode(repeat('36', 64), 'hex');
  v_outer bytea := decode(repeat('5c', 64), 'hex');
begin
  for i in 0 .. length(v_key) - 1 loop
    v_inner := set_byte(v_inner, i, get_byte(v_inner, i) # get_byte(v_key, i));
    v_outer := set_byte(v_outer, i, get_byte(v_outer, i) # get_byte(v_key, i));
  end loop;
  return sha256(v_outer || sha256(v_inner || message));
end;
$$;
comment on function private.hmac_sha256(bytea, bytea) is
  'HMAC-SHA256 (RFC 2104) with core functions only, so that no extension is needed.';

create function private.enqueue(
  task text, payload jsonb, run_at timestamptz default null, job_key text default null, max_attempts integer default null
) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform graphile_worker.add_job(
    enqueue.task, enqueue.payload::json,
    run_at => enqueue.run_at, job_key => enqueue.job_key, max_attempts => enqueue.max_attempts
  );
end;
$$;
comment on function private.enqueue(text, jsonb, timestamptz, text, integer) is
  'Adds a job for the runner (graphile-worker) in this transaction; one that waits or was given up under the same key is begun anew. Effects on the world, such as mail and refunds, are jobs: SQL calls nothing outside.';

-- The runner's tables are graphile-worker's own, owned by wrenchline_owner and
-- under row security; backstage runs the jobs and is the only one let in.
do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid from pg_class c
    where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('drop policy if exists all_backstage on %s', v_table);
    execute format('create policy all_backstage on %s for all to wrenchline_backstage using (true) with check (true)', v_table);
  end loop;
end $$;
grant usage on schema graphile_worker to wrenchline_backstage;
grant select, insert, update, delete on all tables in schema graphile_worker to wrenchline_backstage;
grant usage on all sequences in schema graphile_worker to wrenchline_backstage;
grant execute on all functions in schema graphile_worker to wrenchline_backstage;
