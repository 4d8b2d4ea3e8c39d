-- What a sync with a vendor keeps: whose authorisation it uses, which folders it knows, how far a complete listing is,
-- and what is gone at the vendor but not deleted here yet.

-- An account a person let us read. sealed_tokens is encrypted by the service; the key is not in this database.
create table connections (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  provider text not null check (provider in ('google', 'microsoft')),
  account text not null check (account <> ''),
  sealed_tokens text not null,
  state text not null default 'active' check (state in ('active', 'needs_consent')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, provider, account)
);
comment on table connections is 'dealpulse';

alter table sources drop constraint sources_state_check;
alter table sources add constraint sources_state_check
  check (state in ('active', 'paused', 'needs_consent', 'needs_confirmation'));

-- listing: the complete listing under way, whose rows are marked with it. gone: how many items wait for a person to
-- confirm that they were deleted. access: who may read the source's folder at the vendor.
alter table sources
  add column connection_id uuid references connections on delete set null,
  add column listing text,
  add column gone integer not null default 0,
  add column access jsonb not null default '[]';
create index sources_connection on sources (connection_id) where connection_id is not null;

alter table documents
  add column if not exists source_folder_id text,
  add column if not exists source_gone_at timestamptz;
alter table emails
  add column if not exists source_folder_id text,
  add column if not exists source_gone_at timestamptz;

-- The folders of a source, for vendors that name a file's folder by id: what moves, is renamed or goes takes along what
-- is in it. listed: what is in it is known. target_id: it is no folder but a shortcut to a file, which changes by itself.
create table source_folders (
  source_id uuid not null references sources on delete cascade,
  external_id text not null,
  parent_id text,
  name text not null,
  target_id text,
  listed boolean not null default false,
  seen_in_sync text not null,
  primary key (source_id, external_id)
);
comment on table source_folders is 'dealpulse';
create index source_folders_parent on source_folders (source_id, parent_id);

alter table connections enable row level security;
alter table source_folders enable row level security;

-- Each folder of a source that hangs together with its top, and the path of what is in it, with a slash at the end.
create function source_paths(p_source_id uuid) returns table (external_id text, path text)
language sql stable set search_path from current as $$
  with recursive tree as (
    select f.external_id, ''::text as path from source_folders f
    where f.source_id = p_source_id and f.parent_id is null
    union all
    select f.external_id, tree.path || replace(f.name, '/', '_') || '/'
    from tree
    join source_folders f on f.source_id = p_source_id and f.parent_id = tree.external_id
  )
  select tree.external_id, tree.path from tree;
$$;

-- Remembers the folders of a page; those of an earlier listing count as not listed when a new one begins.
create function save_source_folders(p_source_id uuid, p_sync_id text, p_folders jsonb) returns void
language sql set search_path from current as $$
  insert into source_folders (source_id, external_id, parent_id, name, target_id, listed, seen_in_sync)
  select distinct on (folder ->> 'external_id') p_source_id, folder ->> 'external_id', folder ->> 'parent_id',
    folder ->> 'name', folder ->> 'target_id', (folder ->> 'listed')::boolean, p_sync_id
  from jsonb_array_elements(p_folders) with ordinality as told (folder, position)
  order by folder ->> 'external_id', position desc
  on conflict (source_id, external_id) do update
  set parent_id = excluded.parent_id, name = excluded.name, target_id = excluded.target_id, listed = excluded.listed,
      seen_in_sync = excluded.seen_in_sync;
$$;

-- Marks what left the source, with all that is below it; end_source_sync deletes what stays marked.
create function mark_source_items_gone(p_source_id uuid, p_external_ids text[]) returns void
language plpgsql set search_path from current as $$
declare
  folders text[];
begin
  with recursive gone as (
    select external_id from source_folders where source_id = p_source_id and external_id = any (p_external_ids)
    union
    select f.external_id from gone
    join source_folders f on f.source_id = p_source_id and f.parent_id = gone.external_id
  )
  select array_agg(external_id) into folders from gone;
  update documents set source_gone_at = now()
  where source_id = p_source_id and state <> 'deleted' and source_gone_at is null
    and (external_id = any (p_external_ids) or source_folder_id = any (folders));
  update emails set source_gone_at = now()
  where source_id = p_source_id and state <> 'deleted' and source_gone_at is null
    and (external_id = any (p_external_ids) or source_folder_id = any (folders));
  delete from source_folders where source_id = p_source_id and external_id = any (folders);
end
$$;

-- As before, and for items that name their folder: their path follows from it, now and when the folder is renamed.
-- What is removed is only marked as gone here.
drop function save_source_page(uuid, text, jsonb, text[], text);
create function save_source_page(
  p_source_id uuid, p_sync_id text, p_items jsonb, p_removed text[], p_cursor text, p_folders jsonb default '[]',
  p_listing boolean default false, p_skipped jsonb default null
) returns jsonb
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  its_listing text;
  listed text[] := array(select item ->> 'external_id' from jsonb_array_elements(p_items) as item);
  placed jsonb := p_items;
  changed uuid[];
begin
  select deal_id into its_deal from sources where id = p_source_id;
  perform lock_deal(its_deal);
  select listing into its_listing from sources where id = p_source_id;
  if not found then
    perform refuse_missing('source_not_found', 'There is no such source.');
  end if;
  if p_listing and its_listing is distinct from p_sync_id then
    update source_folders set listed = false where source_id = p_source_id;
  end if;
  update sources
  set cursor = p_cursor, listing = case when p_listing then p_sync_id end,
      skipped = coalesce(p_skipped, skipped), updated_at = now()
  where id = p_source_id;

  perform save_source_folders(p_source_id, p_sync_id, p_folders);
  if exists (select from jsonb_array_elements(p_items) as item where item ->> 'folder_id' is not null) then
    select jsonb_agg(
      case when known.path is null then item
        else item || jsonb_build_object('path', known.path || (item ->> 'name')) end
      order by position
    ) into placed
    from jsonb_array_elements(p_items) with ordinality as told (item, position)
    left join source_paths(p_source_id) known on known.external_id = item ->> 'folder_id';
  end if;

  changed := save_source_documents(its_deal, p_source_id, p_sync_id, placed)
    || save_source_emails(its_deal, p_source_id, p_sync_id, placed);
  update documents d set source_folder_id = item ->> 'folder_id', source_gone_at = null
  from jsonb_array_elements(p_items) as item
  where d.source_id = p_source_id and d.external_id = item ->> 'external_id';
  update emails e set source_folder_id = item ->> 'folder_id', source_gone_at = null
  from jsonb_array_elements(p_items) as item
  where e.source_id = p_source_id and e.external_id = item ->> 'external_id';

  if jsonb_array_length(p_folders) > 0 then
    update documents d set path = known.path || d.name, updated_at = now()
    from source_paths(p_source_id) known
    where d.source_id = p_source_id and d.source_folder_id = known.external_id and d.path <> known.path || d.name;
    update emails e set path = known.path || e.name, updated_at = now()
    from source_paths(p_source_id) known
    where e.source_id = p_source_id and e.source_folder_id = known.external_id and e.path <> known.path || e.name;
  end if;
  perform mark_source_items_gone(p_source_id, p_removed);

  perform ask_operations(coalesce(jsonb_agg(reading - 'asked_before'), '[]'))
  from source_readings(p_source_id, listed) as reading
  where (reading ->> 'subject_id')::uuid = any (changed) or not (reading ->> 'asked_before')::boolean;

  return (
    select coalesce(jsonb_agg(operation_as_json(o) order by o.subject_type, o.subject_id), '[]')
    from source_readings(p_source_id, listed) as reading
    join processing_operations o
      on o.subject_type = reading ->> 'subject_type' and o.subject_id = (reading ->> 'subject_id')::uuid
      and o.operation = reading ->> 'operation'
    where o.state = 'pending'
  );
end
$$;

-- Deletes what is marked as gone. Needs the deal's lock.
create function delete_gone_items(p_source_id uuid) returns integer
language sql set search_path from current as $$
  select delete_items(
    array(select id from documents
      where source_id = p_source_id and source_gone_at is not null and state <> 'deleted'),
    array(select id from emails
      where source_id = p_source_id and source_gone_at is not null and state <> 'deleted')
  );
$$;

-- Ends a sync. After a complete listing, what it did not see is gone too. What is gone is deleted, unless that is more
-- than p_most_percent of the source (and p_fewest items at least): then it stays until a person confirms it.
-- finish_source_sync is what workers of the version before this one call.
create function end_source_sync(
  p_source_id uuid, p_sync_id text, p_complete_listing boolean, p_most_percent integer, p_fewest integer
) returns jsonb
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  all_items bigint;
  gone_items bigint;
  held boolean;
begin
  select deal_id into its_deal from sources where id = p_source_id;
  perform lock_deal(its_deal);
  if p_complete_listing then
    update documents set source_gone_at = now()
    where source_id = p_source_id and seen_in_sync is distinct from p_sync_id and state <> 'deleted'
      and source_gone_at is null;
    update emails set source_gone_at = now()
    where source_id = p_source_id and seen_in_sync is distinct from p_sync_id and state <> 'deleted'
      and source_gone_at is null;
    delete from source_folders where source_id = p_source_id and seen_in_sync <> p_sync_id;
  end if;
  select count(*), count(source_gone_at) into all_items, gone_items
  from (
    select source_gone_at from documents where source_id = p_source_id and state <> 'deleted'
    union all
    select source_gone_at from emails where source_id = p_source_id and state <> 'deleted'
  ) item;
  held := gone_items >= p_fewest and gone_items * 100 > all_items * p_most_percent;

  update sources
  set listing = null, last_synced_at = now(), last_error = null, updated_at = now(),
      gone = case when held then gone_items else 0 end,
      state = case
        when held and state = 'active' then 'needs_confirmation'
        when not held and state = 'needs_confirmation' then 'active'
        else state
      end
  where id = p_source_id;
  if not found then
    perform refuse_missing('source_not_found', 'There is no such source.');
  end if;
  return jsonb_build_object(
    'deleted', case when held then 0 else delete_gone_items(p_source_id) end,
    'held', case when held then gone_items else 0 end
  );
end
$$;

-- A person confirms that the p_gone items that wait are gone. If it is another number now, nothing is deleted: they
-- were asked about something else.
create function confirm_source_deletions(p_source_id uuid, p_gone integer) returns integer
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from sources where id = p_source_id;
  perform lock_deal(its_deal);
  update sources
  set gone = 0, updated_at = now(), state = case state when 'needs_confirmation' then 'active' else state end
  where id = p_source_id and gone = p_gone and p_gone > 0;
  if not found then
    if not exists (select from sources where id = p_source_id) then
      perform refuse_missing('source_not_found', 'There is no such source.');
    end if;
    return 0;
  end if;
  return delete_gone_items(p_source_id);
end
$$;

do $$
declare
  its_function regprocedure;
  its_name text;
  its_role text;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'source_paths', 'save_source_folders', 'mark_source_items_gone', 'save_source_page', 'delete_gone_items',
      'end_source_sync', 'confirm_source_deletions'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    foreach its_name in array array['connections', 'source_folders'] loop
      execute format('revoke all on %I from %I', its_name, its_role);
    end loop;
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
    end loop;
    if its_role = 'authenticated' then
      execute 'grant select (gone) on sources to authenticated';
    elsif its_role = 'service_role' then
      execute 'grant select, insert, update, delete on connections, source_folders to service_role';
      foreach its_function in array functions loop
        execute format('grant execute on function %s to service_role', its_function);
      end loop;
    end if;
  end loop;
end
$$;
