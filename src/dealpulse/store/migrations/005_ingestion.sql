-- Files found inside files, what a document said before it was replaced, and documents with the same content.

-- parent_id: the document it was found in; its external_id is its path in there then. reading_of: the SHA-256 of the
-- bytes its pages were read from, where the pages are all that is in them: the same bytes elsewhere need no reading.
alter table documents
  add column if not exists parent_id uuid references documents on delete cascade,
  add column if not exists reading_of text;
create unique index dealpulse_documents_inside on documents (parent_id, external_id) where parent_id is not null;
create index dealpulse_documents_content on documents (deal_id, content_hash) where storage_key is not null;

alter table emails add column if not exists warnings jsonb not null default '[]';

-- What a document was before its source brought other content; the file of then is kept in storage.
create table document_versions (
  document_id uuid not null references documents on delete cascade,
  number integer not null check (number > 0),
  name text not null,
  mime_type text,
  size_bytes bigint not null,
  content_hash text not null,
  storage_key text not null,
  page_count integer not null,
  summary jsonb,
  classification jsonb,
  origin jsonb,
  replaced_at timestamptz not null default now(),
  primary key (document_id, number)
);
comment on table document_versions is 'dealpulse';

-- triggers: whichever function changes a document, these follow -------------------------------------------------------

-- A version that was never read has no pages; a summary counts only where no newer one is asked for.
create function keep_document_version() returns trigger
language plpgsql set search_path from current as $$
declare
  was_read constant boolean := old.state = 'ready';
  was_analysed constant boolean := was_read and not exists (
    select from processing_operations o
    where o.subject_type = 'document' and o.subject_id = old.id and o.state in ('pending', 'queued', 'running')
  );
begin
  insert into document_versions
    (document_id, number, name, mime_type, size_bytes, content_hash, storage_key, page_count, summary, classification,
     origin)
  select old.id, coalesce(max(number), 0) + 1, old.name, old.mime_type, old.size_bytes, old.content_hash,
    old.storage_key, case when was_read then old.page_count else 0 end,
    case when was_analysed then old.ai_summary end, case when was_analysed then old.ai_classification end,
    case when was_analysed then old.ai_origin end
  from document_versions
  where document_id = old.id;
  return null;
end
$$;
create trigger dealpulse_keep_version after update of content_hash on documents for each row
  when (old.storage_key is not null and old.content_hash <> new.content_hash)
  execute function keep_document_version();

-- What was inside a document is gone with it. Needs the deal's lock.
create function delete_inner_documents() returns trigger
language plpgsql set search_path from current as $$
begin
  perform delete_items(array(select id from documents where parent_id = new.id and state <> 'deleted'), '{}');
  return null;
end
$$;
create trigger dealpulse_delete_inner after update of state on documents for each row
  when (new.storage_key is not null and new.state = 'deleted' and old.state <> 'deleted')
  execute function delete_inner_documents();

create function move_inner_documents() returns trigger
language plpgsql set search_path from current as $$
begin
  update documents set path = new.path || '/' || external_id where parent_id = new.id;
  return null;
end
$$;
create trigger dealpulse_move_inner after update of path on documents for each row
  when (new.storage_key is not null and old.path <> new.path)
  execute function move_inner_documents();

-- files inside files ----------------------------------------------------------------------------------------------------

-- How deep a document lies (an attachment or a file in an archive: 1), and how many files with how many bytes were
-- taken out of what it lies in, its own left out.
create function document_nesting(p_document_id uuid) returns jsonb
language sql stable set search_path from current as $$
  with recursive up as (
    select id, parent_id, email_id, 0 as height from documents where id = p_document_id
    union all
    select d.id, d.parent_id, d.email_id, up.height + 1 from documents d join up on d.id = up.parent_id
  ),
  root as (
    select id, email_id, height from up where parent_id is null
  ),
  taken_out as (
    select d.id, d.size_bytes
    from root join documents d on d.parent_id = root.id and d.parent_id <> p_document_id or d.email_id = root.email_id
    where d.state <> 'deleted'
    union
    select d.id, d.size_bytes
    from taken_out t join documents d on d.parent_id = t.id and d.parent_id <> p_document_id
    where d.state <> 'deleted'
  )
  select jsonb_build_object(
    'depth', (select height + (email_id is not null)::integer from root),
    'files', (select count(*) from taken_out),
    'size_bytes', (select coalesce(sum(size_bytes), 0) from taken_out)
  );
$$;

-- Makes p_files the documents inside this one; answers with those nobody has read yet. reading_of: see the column.
create function save_inner_documents(p_document_id uuid, p_reading_of text, p_files jsonb) returns jsonb
language plpgsql set search_path from current as $$
declare
  outer_one documents%rowtype;
begin
  select * into outer_one from documents where id = p_document_id;
  perform lock_deal(outer_one.deal_id);
  update documents set reading_of = p_reading_of where id = p_document_id returning * into outer_one;
  if not found then
    perform refuse_missing('document_not_found', 'There is no such document.');
  end if;
  if outer_one.state = 'deleted' then
    return '[]';
  end if;
  perform delete_items(
    array(
      select id from documents
      where parent_id = p_document_id and state <> 'deleted'
        and external_id not in (select file ->> 'place' from jsonb_array_elements(p_files) as file)
    ),
    '{}'
  );
  insert into documents as known
    (deal_id, parent_id, external_id, name, path, mime_type, size_bytes, content_hash, storage_key)
  select outer_one.deal_id, p_document_id, file.place, file.name, outer_one.path || '/' || file.place, file.mime_type,
    file.size_bytes, file.content_hash, file.storage_key
  from jsonb_to_recordset(p_files) as file (
    place text, name text, mime_type text, size_bytes bigint, content_hash text, storage_key text
  )
  on conflict (parent_id, external_id) where parent_id is not null do update
  set name = excluded.name,
      path = excluded.path,
      size_bytes = excluded.size_bytes,
      content_hash = excluded.content_hash,
      storage_key = excluded.storage_key,
      mime_type = case when known.content_hash = excluded.content_hash then known.mime_type else excluded.mime_type end,
      state = case when known.content_hash = excluded.content_hash and known.state <> 'deleted' then known.state
        else 'new' end,
      failure_code = case when known.content_hash = excluded.content_hash then known.failure_code end,
      failure_reason = case when known.content_hash = excluded.content_hash then known.failure_reason end,
      updated_at = now();
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'place', external_id) order by external_id), '[]')
    from documents where parent_id = p_document_id and state = 'new'
  );
end
$$;

-- the same content ------------------------------------------------------------------------------------------------------

-- Of which document of the deal this one repeats the content: the one that came first. A column to PostgREST.
create function duplicate_of(p_document documents) returns uuid
language sql stable set search_path from current as $$
  select first_one.id
  from (
    select d.id from documents d
    where d.deal_id = p_document.deal_id and d.content_hash = p_document.content_hash and d.storage_key is not null
      and d.state <> 'deleted'
    order by d.created_at, d.id
    limit 1
  ) first_one
  where first_one.id <> p_document.id and p_document.state <> 'deleted';
$$;

-- Gives a document that was never read the pages of one of the same deal with the same content and kind of name, as
-- reading it would; answers with their number, 0 where there is none. One that was read is asked to be read anew.
create function reuse_reading(p_document_id uuid) returns integer
language plpgsql set search_path from current as $$
declare
  mine documents%rowtype;
  known documents%rowtype;
begin
  select * into mine from documents where id = p_document_id for update;
  if not found then
    perform refuse_missing('document_not_found', 'There is no such document.');
  end if;
  if mine.state <> 'new' or mine.reading_of = mine.content_hash then
    return 0;
  end if;
  select * into known from documents d
  where d.deal_id = mine.deal_id and d.content_hash = mine.content_hash and d.storage_key is not null
    and d.reading_of = d.content_hash and d.state = 'ready' and d.id <> mine.id
    and lower(substring(d.name from '\.[^.]*$')) is not distinct from lower(substring(mine.name from '\.[^.]*$'))
  order by d.created_at, d.id
  limit 1;
  if not found then
    return 0;
  end if;
  delete from document_pages where document_id = mine.id;
  insert into document_pages
    (document_id, number, kind, text, char_start, char_end, label, method, confidence, rotation, warnings)
  select mine.id, number, kind, text, char_start, char_end, label, method, confidence, rotation, warnings
  from document_pages where document_id = known.id;
  update documents
  set state = 'ready', mime_type = known.mime_type, page_count = known.page_count, failure_code = null,
      failure_reason = null, updated_at = now()
  where id = mine.id;
  return known.page_count;
end
$$;

-- e-mails ---------------------------------------------------------------------------------------------------------------

create or replace function save_email_content(p_email_id uuid, p_content jsonb) returns void
language plpgsql set search_path from current as $$
begin
  update emails e
  set message_id = c.message_id, in_reply_to = c.in_reply_to, thread_key = c.thread_key, subject = c.subject,
      sender_address = c.sender, to_addresses = c."to", cc_addresses = c.cc, sent_at = c.sent_at,
      body_text = c.body_text, full_text = c.full_text, calendar_events = c.events,
      warnings = coalesce(c.warnings, '[]'),
      state = case e.state when 'deleted' then 'deleted' else 'ready' end,
      failure_code = null, failure_reason = null, updated_at = now()
  from jsonb_to_record(p_content) as c (
    message_id text, in_reply_to text, thread_key text, subject text, sender jsonb, "to" jsonb, cc jsonb,
    sent_at timestamptz, body_text text, full_text text, events jsonb, warnings jsonb
  )
  where e.id = p_email_id;
  if not found then
    perform refuse_missing('email_not_found', 'There is no such e-mail.');
  end if;
end
$$;

-- rights ----------------------------------------------------------------------------------------------------------------

alter table document_versions enable row level security;
create policy "whoever reads the document reads its versions" on document_versions for select to public
  using (exists (select from documents d where d.id = document_id and d.deal_id in (select my_deal_ids())));

do $$
declare
  its_role text;
  its_function regprocedure;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'keep_document_version', 'delete_inner_documents', 'move_inner_documents', 'document_nesting',
      'save_inner_documents', 'duplicate_of', 'reuse_reading'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on document_versions from %I', its_role);
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
      if its_role = 'service_role' then
        execute format('grant execute on function %s to service_role', its_function);
      end if;
    end loop;
    if its_role = 'service_role' then
      execute 'grant select, insert, update, delete on document_versions to service_role';
    elsif its_role = 'authenticated' then
      execute 'grant select on document_versions to authenticated';
    end if;
  end loop;
end
$$;
