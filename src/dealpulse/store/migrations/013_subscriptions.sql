-- What vendors agreed to tell us of, and what happens to sources when an account or a source comes or goes.

-- One row a watched source, so at most one subscription each. external_id is null where there is none (yet, or any
-- more). source: what a connector needs to end the subscription of a source that is gone. due_at: when the keeper looks
-- at it next; wanted and claim are the keeper's own. Only the digest of the secret is kept.
create table source_subscriptions (
  id uuid primary key default gen_random_uuid(),
  source_id uuid unique references sources on delete set null,
  source jsonb not null,
  external_id text,
  resource text not null default '',
  secret_sha256 text check (secret_sha256 ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz,
  wanted boolean not null default true,
  due_at timestamptz not null default '-infinity',
  claim uuid,
  failures integer not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table source_subscriptions is 'dealpulse';
create index source_subscriptions_external on source_subscriptions (external_id) where external_id is not null;
create index source_subscriptions_due on source_subscriptions (due_at);
alter table source_subscriptions enable row level security;

-- What a connector needs of a source to speak of it with its vendor.
create function source_of_subscription(p_source sources) returns jsonb
language sql immutable set search_path from current as $$
  select jsonb_build_object(
    'id', p_source.id, 'deal_id', p_source.deal_id, 'type', p_source.type, 'name', p_source.name,
    'location', p_source.location, 'connection_id', p_source.connection_id
  );
$$;

-- Hands out what is to be done by p_now, for p_lease_seconds: subscriptions to make or to renew of active sources of
-- the p_types, and subscriptions to end of what is paused, archived or gone. Nothing can be done for an account that
-- waits for consent. One that another account asked for is none of the source's any more: it ends by itself.
create function claim_subscriptions(p_types text[], p_now timestamptz, p_lease_seconds double precision, p_limit integer)
returns jsonb
language plpgsql set search_path from current as $$
declare
  its_claim constant uuid := gen_random_uuid();
  claimed jsonb;
begin
  insert into source_subscriptions (source_id, source)
  select s.id, source_of_subscription(s)
  from sources s join deals d on d.id = s.deal_id
  where s.type = any (p_types) and s.state in ('active', 'needs_confirmation') and d.status = 'active'
  on conflict (source_id) do nothing;

  with judged as (
    select k.id, case when s.id is null then k.source else source_of_subscription(s) end as its_source,
      s.id is not null and k.source ->> 'connection_id' is distinct from s.connection_id::text as changed_hands,
      case
        when s.id is null or s.state = 'paused' or d.status <> 'active' then false
        when s.state in ('active', 'needs_confirmation') and s.type = any (p_types) then true
      end as its_wanted
    from source_subscriptions k
    left join sources s on s.id = k.source_id
    left join deals d on d.id = s.deal_id
  ), dropped as (
    delete from source_subscriptions k using judged j
    where k.id = j.id and not j.its_wanted and k.external_id is null
  ), chosen as (
    select k.id, j.its_wanted, j.its_source, j.its_wanted and j.changed_hands as anew
    from source_subscriptions k join judged j using (id)
    where j.its_wanted is not null and (j.its_wanted or k.external_id is not null)
      and (k.due_at <= p_now or k.wanted <> j.its_wanted or (j.its_wanted and j.changed_hands))
    order by k.due_at, k.id
    limit p_limit
    for update of k skip locked
  ), taken as (
    update source_subscriptions k
    set claim = its_claim, wanted = c.its_wanted, due_at = p_now + make_interval(secs => p_lease_seconds),
        source = case when c.its_wanted then c.its_source else k.source end,
        external_id = case when c.anew then null else k.external_id end,
        expires_at = case when c.anew then null else k.expires_at end,
        failures = case when k.wanted = c.its_wanted and not c.anew then k.failures else 0 end,
        updated_at = now()
    from chosen c where k.id = c.id
    returning k.*
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'id', t.id, 'claim', t.claim, 'wanted', t.wanted, 'external_id', t.external_id, 'resource', t.resource,
    'expires_at', t.expires_at, 'failures', t.failures,
    'source', case when t.wanted then to_jsonb(s) - 'skipped' - 'access' else t.source end
  )) order by t.created_at, t.id), '[]') into claimed
  from taken t left join sources s on s.id = t.source_id;
  return claimed;
end
$$;

-- The vendor agreed. Answers whether the claim still stood; if not, somebody else sees to it.
create function save_subscription(
  p_id uuid, p_claim uuid, p_external_id text, p_resource text, p_secret_sha256 text, p_expires_at timestamptz,
  p_due_at timestamptz
) returns boolean
language plpgsql set search_path from current as $$
begin
  update source_subscriptions
  set external_id = p_external_id, resource = p_resource, secret_sha256 = coalesce(p_secret_sha256, secret_sha256),
      expires_at = p_expires_at, due_at = p_due_at, claim = null, failures = 0, last_error = null, updated_at = now()
  where id = p_id and claim = p_claim;
  return found;
end
$$;

-- An account was connected. It reads what p_source_id names, what waited for this very account, and what of p_type has
-- no account and waits or was never synced. Answers whom it reads now that did not before.
create function settle_connection(p_connection_id uuid, p_type text, p_source_id uuid default null) returns jsonb
language sql set search_path from current as $$
  with settled as (
    update sources s
    set connection_id = c.id, last_error = null, updated_at = now(),
        state = case s.state when 'needs_consent' then 'active' else s.state end
    from connections c
    where c.id = p_connection_id and s.deal_id = c.deal_id
      and (
        (s.id = p_source_id and s.type = p_type)
        or (s.connection_id = c.id and s.state = 'needs_consent')
        or (s.connection_id is null and s.type = p_type and (s.state = 'needs_consent' or s.last_synced_at is null))
      )
    returning s.id, s.state
  )
  select coalesce(jsonb_agg(id order by id) filter (where state <> 'paused'), '[]') from settled;
$$;

-- The account's tokens are gone, and what it read waits for another consent. Answers how many sources that are.
create function remove_connection(p_connection_id uuid) returns integer
language plpgsql set search_path from current as $$
declare
  waiting integer;
begin
  update sources
  set state = 'needs_consent', last_error = 'Its account was disconnected; connect one again.', updated_at = now()
  where connection_id = p_connection_id;
  get diagnostics waiting = row_count;
  delete from connections where id = p_connection_id;
  if not found then
    perform refuse_missing('connection_not_found', 'There is no such connection.');
  end if;
  return waiting;
end
$$;

-- The source is gone. What came from it stays, as if it had been uploaded, or is deleted as a sync would do it; what was
-- still to be read of it is read. Answers how many items it had.
create function remove_source(p_source_id uuid, p_delete_items boolean) returns integer
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  items integer;
begin
  select deal_id into its_deal from sources where id = p_source_id;
  if its_deal is null then
    perform refuse_missing('source_not_found', 'There is no such source.');
  end if;
  perform lock_deal(its_deal);
  select (select count(*) from documents where source_id = p_source_id and state <> 'deleted')
    + (select count(*) from emails where source_id = p_source_id and state <> 'deleted') into items;
  if p_delete_items then
    perform delete_items(
      array(select id from documents where source_id = p_source_id and state <> 'deleted'),
      array(select id from emails where source_id = p_source_id and state <> 'deleted')
    );
  else
    update documents set source_gone_at = null where source_id = p_source_id and source_gone_at is not null;
    update emails set source_gone_at = null where source_id = p_source_id and source_gone_at is not null;
  end if;
  delete from processing_operations where subject_type = 'source' and subject_id = p_source_id;
  delete from sources where id = p_source_id;
  return items;
end
$$;

-- Every source a sweep syncs. One that failed for good is tried again a day later.
create function sources_to_sweep() returns jsonb
language sql stable set search_path from current as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('id', s.id, 'deal_id', s.deal_id) order by s.last_synced_at nulls first), '[]'
  )
  from sources s join deals d on d.id = s.deal_id
  where s.state in ('active', 'needs_confirmation') and d.status = 'active'
    and (s.last_error is null or s.updated_at < now() - interval '1 day');
$$;

do $$
declare
  its_function regprocedure;
  its_role text;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'source_of_subscription', 'claim_subscriptions', 'save_subscription', 'settle_connection', 'remove_connection', 'remove_source',
      'sources_to_sweep'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on source_subscriptions from %I', its_role);
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
    end loop;
    if its_role = 'service_role' then
      execute 'grant select, insert, update, delete on source_subscriptions to service_role';
      foreach its_function in array functions loop
        execute format('grant execute on function %s to service_role', its_function);
      end loop;
    end if;
  end loop;
end
$$;
