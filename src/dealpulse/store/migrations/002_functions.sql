-- What must happen in one transaction. Only the service role may call these.
--
-- Locks: whatever touches findings, blockers or the rows of a source takes the deal's lock first, so these never wait
-- for each other in a circle. Rows of processing_operations are locked in the order of their key.
-- A thing that does not exist is PT404 (HTTP 404), with our own error code in the detail.

create function refuse_missing(p_code text, p_message text) returns void
language plpgsql set search_path from current as $$
begin
  raise exception using errcode = 'PT404', message = p_message, detail = p_code;
end
$$;

create function lock_deal(p_deal_id uuid) returns void
language sql set search_path from current as $$
  select pg_advisory_xact_lock(hashtextextended('dealpulse deal ' || p_deal_id, 0));
$$;

-- operations ----------------------------------------------------------------------------------------------------------

create function ask_operations(p_operations jsonb) returns void
language sql set search_path from current as $$
  insert into processing_operations as known (subject_type, subject_id, operation, deal_id)
  select distinct on (asked.subject_type, asked.subject_id, asked.operation) asked.*
  from jsonb_to_recordset(p_operations) as asked (subject_type text, subject_id uuid, operation text, deal_id uuid)
  order by asked.subject_type, asked.subject_id, asked.operation
  on conflict (subject_type, subject_id, operation) do update
  set state = 'pending', error_code = null, error_message = null, asked_at = now(), changed_at = now(),
      asked_again = known.asked_again or known.state = 'running';
$$;

create function mark_operation(p_operation jsonb, p_state text, p_error_code text, p_error_message text) returns void
language sql set search_path from current as $$
  insert into processing_operations as known
    (subject_type, subject_id, operation, deal_id, state, error_code, error_message)
  select told.subject_type, told.subject_id, told.operation, told.deal_id, p_state, p_error_code, p_error_message
  from jsonb_to_record(p_operation) as told (subject_type text, subject_id uuid, operation text, deal_id uuid)
  on conflict (subject_type, subject_id, operation) do update
  set state = case when known.asked_again and p_state in ('done', 'failed') then 'pending' else p_state end,
      asked_again = known.asked_again and p_state <> 'running', error_code = p_error_code, error_message = p_error_message, changed_at = now();
$$;

create function mark_operations_queued(p_operations jsonb) returns void
language sql set search_path from current as $$
  with mine as (
    select known.subject_type, known.subject_id, known.operation
    from processing_operations known
    join jsonb_to_recordset(p_operations) as told (subject_type text, subject_id uuid, operation text)
      using (subject_type, subject_id, operation)
    order by known.subject_type, known.subject_id, known.operation
    for update of known
  )
  update processing_operations known
  set state = 'queued', changed_at = now()
  from mine
  where (known.subject_type, known.subject_id, known.operation) = (mine.subject_type, mine.subject_id, mine.operation)
    and known.state = 'pending';
$$;

create function touch_operations(p_operations jsonb) returns void
language sql set search_path from current as $$
  with mine as (
    select known.subject_type, known.subject_id, known.operation
    from processing_operations known
    join jsonb_to_recordset(p_operations) as told (subject_type text, subject_id uuid, operation text)
      using (subject_type, subject_id, operation)
    order by known.subject_type, known.subject_id, known.operation
    for update of known
  )
  update processing_operations known
  set changed_at = now()
  from mine
  where (known.subject_type, known.subject_id, known.operation) = (mine.subject_type, mine.subject_id, mine.operation)
    and known.state in ('pending', 'queued', 'running');
$$;

create function operation_as_json(p_operation processing_operations) returns jsonb
language sql immutable set search_path from current as $$
  select jsonb_build_object(
    'subject_type', p_operation.subject_type, 'subject_id', p_operation.subject_id, 'name', p_operation.operation,
    'deal_id', p_operation.deal_id, 'state', p_operation.state, 'error_code', p_operation.error_code,
    'error_message', p_operation.error_message
  );
$$;

create function stale_operations(p_older_than double precision, p_limit integer) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(operation_as_json(o) order by o.changed_at, o.subject_type, o.subject_id, o.operation), '[]')
  from (
    select * from processing_operations
    where state in ('pending', 'queued', 'running') and changed_at <= now() - make_interval(secs => p_older_than)
    order by changed_at, subject_type, subject_id, operation
    limit p_limit
  ) o;
$$;

create function deal_operations(p_deal_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(operation_as_json(o) order by o.asked_at, o.subject_type, o.subject_id, o.operation), '[]')
  from processing_operations o
  where o.deal_id = p_deal_id;
$$;

-- findings and blockers -------------------------------------------------------------------------------------------------

-- Says of each finding what the gravest of its citations says, and resolves those without any. Needs the deal's lock.
create function settle_findings(p_finding_ids uuid[]) returns void
language sql set search_path from current as $$
  update findings f
  set category = coalesce(c.category, f.category),
      severity = coalesce(c.severity, f.severity),
      action = coalesce(c.action, f.action),
      title = coalesce(c.title, f.title),
      explanation = coalesce(c.explanation, f.explanation),
      origin = coalesce(c.origin, f.origin),
      status = case when f.status = 'rejected' then 'rejected' when c.finding_id is null then 'resolved' else 'open' end,
      updated_at = now()
  from (select distinct unnest(p_finding_ids) as id) as settled
  left join lateral (
    select * from finding_citations
    where finding_citations.finding_id = settled.id
    order by severity, verification = 'unverified', document_id, position
    limit 1
  ) c on true
  where f.id = settled.id
    and (
      c.finding_id is null and f.status = 'open'
      or c.finding_id is not null and (
        f.status = 'resolved'
        or (f.category, f.severity, f.action, f.title, f.explanation, f.origin)
          is distinct from (c.category, c.severity, c.action, c.title, c.explanation, c.origin)
      )
    );
$$;

-- Says of each blocker what the latest e-mail says that mentions it; one nobody mentions any more was none, unless a
-- person dismissed it, which is kept so that it stays dismissed. Needs the deal's lock.
create function settle_blockers(p_blocker_ids uuid[]) returns void
language sql set search_path from current as $$
  delete from blockers b
  where b.id = any (p_blocker_ids)
    and b.status <> 'dismissed'
    and not exists (select from blocker_mentions m where m.blocker_id = b.id);

  update blockers b
  set email_id = m.email_id, title = m.title, owner = m.owner, due_date = m.due_date, needed_action = m.needed_action,
      opened_on = m.first_opened_on, page = m.page, quote = m.quote, char_start = m.char_start, char_end = m.char_end,
      verification = m.verification, origin = m.origin,
      status = case when b.status = 'dismissed' then 'dismissed' else m.status end,
      updated_at = now()
  from (select distinct unnest(p_blocker_ids) as id) as settled
  cross join lateral (
    select mention.*, min(mention.opened_on) over () as first_opened_on
    from blocker_mentions mention
    join emails e on e.id = mention.email_id
    where mention.blocker_id = settled.id
    order by coalesce(e.sent_at, e.created_at) desc, e.id desc, mention.position desc
    limit 1
  ) m
  where b.id = settled.id
    and (
      b.status not in ('dismissed', m.status)
      or (b.email_id, b.title, b.owner, b.due_date, b.needed_action, b.opened_on, b.page, b.quote, b.char_start,
          b.char_end, b.verification, b.origin)
        is distinct from
         (m.email_id, m.title, m.owner, m.due_date, m.needed_action, m.first_opened_on, m.page, m.quote, m.char_start,
          m.char_end, m.verification, m.origin)
    );
$$;

create function withdraw_citations(p_document_ids uuid[]) returns void
language plpgsql set search_path from current as $$
declare
  cited uuid[];
begin
  with gone as (delete from finding_citations where document_id = any (p_document_ids) returning finding_id)
  select array_agg(distinct finding_id) into cited from gone;
  perform settle_findings(cited);
end
$$;

create function withdraw_mentions(p_email_ids uuid[]) returns void
language plpgsql set search_path from current as $$
declare
  mentioned uuid[];
begin
  with gone as (delete from blocker_mentions where email_id = any (p_email_ids) returning blocker_id)
  select array_agg(distinct blocker_id) into mentioned from gone;
  perform settle_blockers(mentioned);
end
$$;

-- Every citation counts, those of app-deleted documents are gone by cascade: an open finding without any is resolved.
create function deal_findings(p_deal_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(finding order by severity, first_seen_at, id), '[]')
  from (
    select f.severity, f.first_seen_at, f.id, jsonb_build_object(
      'id', f.id, 'category', f.category, 'severity', f.severity, 'action', f.action, 'title', f.title,
      'explanation', f.explanation, 'fingerprint', f.fingerprint, 'origin', f.origin,
      'first_seen_at', f.first_seen_at,
      'status', case when f.status = 'open' and c.citations is null then 'resolved' else f.status end,
      'citations', coalesce(c.citations, '[]')
    ) as finding
    from findings f
    left join lateral (
      select jsonb_agg(
        jsonb_build_object(
          'document_id', d.id, 'document_name', d.name,
          'citation', jsonb_build_object(
            'quote', k.quote, 'page', k.page, 'verification', k.verification, 'start', k.char_start, 'end', k.char_end
          )
        ) order by k.severity, k.verification = 'unverified', k.document_id, k.position
      ) as citations
      from finding_citations k
      join documents d on d.id = k.document_id
      where k.finding_id = f.id
    ) c on true
    where f.deal_id = p_deal_id
  ) found;
$$;

create function deal_blockers(p_deal_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', b.id, 'email_id', b.email_id, 'email_subject', e.subject, 'origin', b.origin,
        'blocker', jsonb_build_object(
          'title', b.title, 'owner', b.owner, 'due_date', b.due_date, 'needed_action', b.needed_action,
          'opened_on', b.opened_on, 'fingerprint', b.fingerprint, 'status', b.status,
          'citation', jsonb_build_object(
            'quote', b.quote, 'page', b.page, 'verification', b.verification, 'start', b.char_start, 'end', b.char_end
          )
        )
      ) order by b.opened_on, b.id
    ),
    '[]'
  )
  from blockers b
  join emails e on e.id = b.email_id
  where b.deal_id = p_deal_id;
$$;

-- documents -------------------------------------------------------------------------------------------------------------

create function create_document(
  p_deal_id uuid, p_name text, p_path text, p_mime_type text, p_size_bytes bigint, p_content_hash text,
  p_storage_key text, p_email_id uuid
) returns uuid
language plpgsql set search_path from current as $$
declare
  made uuid;
begin
  if not exists (select from deals where id = p_deal_id) then
    perform refuse_missing('deal_not_found', 'There is no such deal.');
  end if;
  if p_email_id is not null and not exists (select from emails where id = p_email_id and deal_id = p_deal_id) then
    perform refuse_missing('email_not_found', 'There is no such e-mail in this deal.');
  end if;
  insert into documents as known (deal_id, name, path, mime_type, size_bytes, content_hash, storage_key, email_id)
  values (p_deal_id, p_name, p_path, p_mime_type, p_size_bytes, p_content_hash, p_storage_key, p_email_id)
  on conflict (
    deal_id, coalesce(email_id, '00000000-0000-0000-0000-000000000000'), left(name, 400), content_hash
  ) where external_id is null and storage_key is not null
  do update set
    path = excluded.path,
    storage_key = excluded.storage_key,
    state = case known.state when 'deleted' then 'new' else known.state end
  returning id into made;
  return made;
end
$$;

create function save_document_content(p_document_id uuid, p_mime_type text, p_pages jsonb) returns void
language plpgsql set search_path from current as $$
declare
  state_before text;
begin
  select state into state_before from documents where id = p_document_id for update;
  if not found then
    perform refuse_missing('document_not_found', 'There is no such document.');
  end if;
  if state_before = 'deleted' then
    return;
  end if;
  delete from document_pages where document_id = p_document_id;
  insert into document_pages
    (document_id, number, kind, text, char_start, char_end, label, method, confidence, rotation, warnings)
  select p_document_id, page.*
  from jsonb_to_recordset(p_pages) as page (
    number integer, kind text, text text, char_start integer, char_end integer, label text, method text,
    confidence double precision, rotation integer, warnings jsonb
  );
  update documents
  set state = 'ready', mime_type = p_mime_type, page_count = jsonb_array_length(p_pages), failure_code = null,
      failure_reason = null, updated_at = now()
  where id = p_document_id;
end
$$;

-- What an earlier version of the file said is withdrawn with it.
create function fail_document(p_document_id uuid, p_code text, p_reason text) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from documents where id = p_document_id;
  perform lock_deal(its_deal);
  update documents
  set state = case state when 'deleted' then 'deleted' else 'failed' end, failure_code = p_code,
      failure_reason = p_reason, page_count = 0, ai_summary = null, ai_classification = null, ai_origin = null,
      updated_at = now()
  where id = p_document_id;
  if not found then
    perform refuse_missing('document_not_found', 'There is no such document.');
  end if;
  delete from document_pages where document_id = p_document_id;
  perform withdraw_citations(array[p_document_id]);
end
$$;

create function save_document_analysis(
  p_document_id uuid, p_summary jsonb, p_classification jsonb, p_findings jsonb, p_origin jsonb
) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  its_state text;
  cited_before uuid[];
  cited_now uuid[];
begin
  select deal_id into its_deal from documents where id = p_document_id;
  perform lock_deal(its_deal);
  update documents
  set ai_summary = coalesce(p_summary, ai_summary),
      ai_classification = coalesce(p_classification, ai_classification),
      ai_origin = case when coalesce(p_summary, p_classification) is null then ai_origin else p_origin end,
      updated_at = now()
  where id = p_document_id
  returning state into its_state;
  if not found then
    perform refuse_missing('document_not_found', 'There is no such document.');
  end if;
  if p_findings is null or its_state in ('deleted', 'failed') then
    return;
  end if;

  with gone as (delete from finding_citations where document_id = p_document_id returning finding_id)
  select array_agg(distinct finding_id) into cited_before from gone;

  insert into findings (deal_id, fingerprint, category, severity, action, title, explanation, origin)
  select distinct on (item ->> 'fingerprint') its_deal, item ->> 'fingerprint', item ->> 'category',
    item ->> 'severity', item ->> 'action', item ->> 'title', item ->> 'explanation', p_origin
  from jsonb_array_elements(p_findings) as item
  on conflict (deal_id, fingerprint) do nothing;

  with cited as (
    insert into finding_citations
      (document_id, position, finding_id, page, quote, char_start, char_end, verification,
       category, severity, action, title, explanation, origin)
    select p_document_id, told.position, f.id, (citation ->> 'page')::integer, citation ->> 'quote',
      (citation ->> 'start')::integer, (citation ->> 'end')::integer, citation ->> 'verification',
      item ->> 'category', item ->> 'severity', item ->> 'action', item ->> 'title', item ->> 'explanation', p_origin
    from jsonb_array_elements(p_findings) with ordinality as told (item, position)
    cross join lateral (select told.item -> 'citation' as citation) as quoted
    join findings f on f.deal_id = its_deal and f.fingerprint = item ->> 'fingerprint'
    returning finding_id
  )
  select array_agg(distinct finding_id) into cited_now from cited;

  perform settle_findings(cited_before || cited_now);
end
$$;

-- e-mails ---------------------------------------------------------------------------------------------------------------

create function create_email(p_deal_id uuid, p_name text, p_path text, p_content_hash text, p_storage_key text)
returns uuid
language plpgsql set search_path from current as $$
declare
  made uuid;
begin
  if not exists (select from deals where id = p_deal_id) then
    perform refuse_missing('deal_not_found', 'There is no such deal.');
  end if;
  insert into emails as known (deal_id, name, path, content_hash, storage_key)
  values (p_deal_id, p_name, p_path, p_content_hash, p_storage_key)
  on conflict (deal_id, left(name, 400), content_hash) where external_id is null and storage_key is not null
  do update set
    path = excluded.path,
    storage_key = excluded.storage_key,
    state = case known.state when 'deleted' then 'new' else known.state end
  returning id into made;
  return made;
end
$$;

create function save_email_content(p_email_id uuid, p_content jsonb) returns void
language plpgsql set search_path from current as $$
begin
  update emails e
  set message_id = c.message_id, in_reply_to = c.in_reply_to, thread_key = c.thread_key, subject = c.subject,
      sender_address = c.sender, to_addresses = c."to", cc_addresses = c.cc, sent_at = c.sent_at,
      body_text = c.body_text, full_text = c.full_text, calendar_events = c.events,
      state = case e.state when 'deleted' then 'deleted' else 'ready' end,
      failure_code = null, failure_reason = null, updated_at = now()
  from jsonb_to_record(p_content) as c (
    message_id text, in_reply_to text, thread_key text, subject text, sender jsonb, "to" jsonb, cc jsonb,
    sent_at timestamptz, body_text text, full_text text, events jsonb
  )
  where e.id = p_email_id;
  if not found then
    perform refuse_missing('email_not_found', 'There is no such e-mail.');
  end if;
end
$$;

create function fail_email(p_email_id uuid, p_code text, p_reason text) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from emails where id = p_email_id;
  perform lock_deal(its_deal);
  update emails
  set state = case state when 'deleted' then 'deleted' else 'failed' end, failure_code = p_code,
      failure_reason = p_reason, body_text = '', full_text = '', ai_sentiment = null, ai_origin = null,
      updated_at = now()
  where id = p_email_id;
  if not found then
    perform refuse_missing('email_not_found', 'There is no such e-mail.');
  end if;
  perform withdraw_mentions(array[p_email_id]);
end
$$;

create function save_email_analysis(p_email_id uuid, p_sentiment jsonb, p_blockers jsonb, p_origin jsonb) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  its_state text;
  mentioned_before uuid[];
  mentioned_now uuid[];
begin
  select deal_id into its_deal from emails where id = p_email_id;
  perform lock_deal(its_deal);
  update emails
  set ai_sentiment = coalesce(p_sentiment, ai_sentiment),
      ai_origin = case when p_sentiment is null then ai_origin else p_origin end,
      updated_at = now()
  where id = p_email_id
  returning state into its_state;
  if not found then
    perform refuse_missing('email_not_found', 'There is no such e-mail.');
  end if;
  if p_blockers is null or its_state in ('deleted', 'failed') then
    return;
  end if;

  with gone as (delete from blocker_mentions where email_id = p_email_id returning blocker_id)
  select array_agg(distinct blocker_id) into mentioned_before from gone;

  insert into blockers
    (deal_id, fingerprint, email_id, title, needed_action, opened_on, quote, verification, origin)
  select distinct on (item ->> 'fingerprint') its_deal, item ->> 'fingerprint', p_email_id, item ->> 'title',
    item ->> 'needed_action', (item ->> 'opened_on')::date, item -> 'citation' ->> 'quote',
    item -> 'citation' ->> 'verification', p_origin
  from jsonb_array_elements(p_blockers) as item
  on conflict (deal_id, fingerprint) do nothing;

  with mentioned as (
    insert into blocker_mentions
      (email_id, position, blocker_id, title, owner, due_date, needed_action, opened_on, status,
       page, quote, char_start, char_end, verification, origin)
    select p_email_id, told.position, b.id, item ->> 'title', item ->> 'owner', (item ->> 'due_date')::date,
      item ->> 'needed_action', (item ->> 'opened_on')::date, item ->> 'status',
      (citation ->> 'page')::integer, citation ->> 'quote', (citation ->> 'start')::integer,
      (citation ->> 'end')::integer, citation ->> 'verification', p_origin
    from jsonb_array_elements(p_blockers) with ordinality as told (item, position)
    cross join lateral (select told.item -> 'citation' as citation) as quoted
    join blockers b on b.deal_id = its_deal and b.fingerprint = item ->> 'fingerprint'
    returning blocker_id
  )
  select array_agg(distinct blocker_id) into mentioned_now from mentioned;

  perform settle_blockers(mentioned_before || mentioned_now);
end
$$;

-- sources ---------------------------------------------------------------------------------------------------------------

create function source_versions(p_source_id uuid, p_external_ids text[]) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_object_agg(external_id, source_version), '{}')
  from (
    select external_id, source_version from documents
    where source_id = p_source_id and external_id = any (p_external_ids) and state <> 'deleted'
      and source_version is not null
    union all
    select external_id, source_version from emails
    where source_id = p_source_id and external_id = any (p_external_ids) and state <> 'deleted'
      and source_version is not null
  ) stored;
$$;

-- Marks rows as gone from their source; what they said goes with them. Needs the deal's lock.
create function delete_items(p_document_ids uuid[], p_email_ids uuid[]) returns integer
language plpgsql set search_path from current as $$
declare
  attached uuid[] := array(select id from documents where email_id = any (p_email_ids) and state <> 'deleted');
begin
  update documents set state = 'deleted', updated_at = now()
  where id = any (p_document_ids || attached) and state <> 'deleted';
  update emails set state = 'deleted', updated_at = now()
  where id = any (p_email_ids) and state <> 'deleted';
  perform withdraw_citations(p_document_ids || attached);
  perform withdraw_mentions(p_email_ids);
  with theirs as (
    select subject_type, subject_id, operation from processing_operations
    where subject_type = 'document' and subject_id = any (p_document_ids || attached)
      or subject_type = 'email' and subject_id = any (p_email_ids)
    order by subject_type, subject_id, operation
    for update
  )
  delete from processing_operations o
  using theirs
  where (o.subject_type, o.subject_id, o.operation) = (theirs.subject_type, theirs.subject_id, theirs.operation);
  return cardinality(p_document_ids) + cardinality(p_email_ids);
end
$$;

-- The rows of one page of a sync, what is now asked of them, and the cursor after it. Answers with the operations that
-- wait to be queued, the same ones if the page is saved again. An item without content_hash has unchanged content.
create function save_source_page(
  p_source_id uuid, p_sync_id text, p_items jsonb, p_removed text[], p_cursor text
) returns jsonb
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  listed text[] := array(select item ->> 'external_id' from jsonb_array_elements(p_items) as item);
  changed uuid[];
begin
  select deal_id into its_deal from sources where id = p_source_id;
  perform lock_deal(its_deal);
  update sources set cursor = p_cursor, updated_at = now() where id = p_source_id;
  if not found then
    perform refuse_missing('source_not_found', 'There is no such source.');
  end if;

  changed := save_source_documents(its_deal, p_source_id, p_sync_id, p_items)
    || save_source_emails(its_deal, p_source_id, p_sync_id, p_items);

  perform delete_items(
    array(select id from documents
      where source_id = p_source_id and external_id = any (p_removed) and state <> 'deleted'),
    array(select id from emails
      where source_id = p_source_id and external_id = any (p_removed) and state <> 'deleted')
  );

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

-- The reading (ingest, parse) of each unread row of a source, and whether it was ever asked for.
create function source_readings(p_source_id uuid, p_external_ids text[]) returns setof jsonb
language sql stable set search_path from current as $$
  select jsonb_build_object(
    'subject_type', unread.subject_type, 'subject_id', unread.id, 'operation', unread.operation,
    'deal_id', unread.deal_id,
    'asked_before', exists (
      select from processing_operations o
      where (o.subject_type, o.subject_id, o.operation) = (unread.subject_type, unread.id, unread.operation)
    )
  )
  from (
    select 'document' as subject_type, id, 'ingest' as operation, deal_id from documents
    where source_id = p_source_id and external_id = any (p_external_ids) and state = 'new'
    union all
    select 'email', id, 'parse', deal_id from emails
    where source_id = p_source_id and external_id = any (p_external_ids) and state = 'new'
  ) unread;
$$;

-- Answers with the rows whose content is another now, or that came back.
create function save_source_documents(p_deal_id uuid, p_source_id uuid, p_sync_id text, p_items jsonb) returns uuid[]
language plpgsql set search_path from current as $$
declare
  changed uuid[];
begin
  select array_agg(d.id) into changed
  from jsonb_array_elements(p_items) as item
  join documents d on d.source_id = p_source_id and d.external_id = item ->> 'external_id'
  where item ->> 'kind' = 'document'
    and (d.state = 'deleted' or item ->> 'content_hash' <> coalesce(d.content_hash, ''));

  insert into documents as known (
    deal_id, source_id, external_id, seen_in_sync, name, path, source_version, mime_type, size_bytes, web_link,
    content_hash, storage_key
  )
  select distinct on (item ->> 'external_id') p_deal_id, p_source_id, item ->> 'external_id', p_sync_id, item ->> 'name',
    item ->> 'path', item ->> 'version', item ->> 'mime_type', (item ->> 'size_bytes')::bigint, item ->> 'web_link',
    item ->> 'content_hash', item ->> 'storage_key'
  from jsonb_array_elements(p_items) with ordinality as told (item, position)
  where item ->> 'kind' = 'document'
    and (
      item ->> 'content_hash' is not null
      or exists (select from documents d where d.source_id = p_source_id and d.external_id = item ->> 'external_id')
    )
  order by item ->> 'external_id', position desc
  on conflict (source_id, external_id) do update
  set seen_in_sync = excluded.seen_in_sync,
      name = excluded.name,
      path = excluded.path,
      source_version = excluded.source_version,
      mime_type = case when known.id = any (changed) then excluded.mime_type
        else coalesce(known.mime_type, excluded.mime_type) end,
      size_bytes = excluded.size_bytes,
      web_link = excluded.web_link,
      content_hash = coalesce(excluded.content_hash, known.content_hash),
      storage_key = coalesce(excluded.storage_key, known.storage_key),
      state = case when known.id = any (changed) then 'new' else known.state end,
      failure_code = case when known.id = any (changed) then null else known.failure_code end,
      failure_reason = case when known.id = any (changed) then null else known.failure_reason end,
      updated_at = now();
  return coalesce(changed, '{}');
end
$$;

create function save_source_emails(p_deal_id uuid, p_source_id uuid, p_sync_id text, p_items jsonb) returns uuid[]
language plpgsql set search_path from current as $$
declare
  changed uuid[];
begin
  select array_agg(e.id) into changed
  from jsonb_array_elements(p_items) as item
  join emails e on e.source_id = p_source_id and e.external_id = item ->> 'external_id'
  where item ->> 'kind' = 'email'
    and (e.state = 'deleted' or item ->> 'content_hash' <> coalesce(e.content_hash, ''));

  insert into emails as known (
    deal_id, source_id, external_id, seen_in_sync, name, path, source_version, size_bytes, web_link, content_hash,
    storage_key
  )
  select distinct on (item ->> 'external_id') p_deal_id, p_source_id, item ->> 'external_id', p_sync_id, item ->> 'name',
    item ->> 'path', item ->> 'version', (item ->> 'size_bytes')::bigint, item ->> 'web_link',
    item ->> 'content_hash', item ->> 'storage_key'
  from jsonb_array_elements(p_items) with ordinality as told (item, position)
  where item ->> 'kind' = 'email'
    and (
      item ->> 'content_hash' is not null
      or exists (select from emails e where e.source_id = p_source_id and e.external_id = item ->> 'external_id')
    )
  order by item ->> 'external_id', position desc
  on conflict (source_id, external_id) do update
  set seen_in_sync = excluded.seen_in_sync,
      name = excluded.name,
      path = excluded.path,
      source_version = excluded.source_version,
      size_bytes = excluded.size_bytes,
      web_link = excluded.web_link,
      content_hash = coalesce(excluded.content_hash, known.content_hash),
      storage_key = coalesce(excluded.storage_key, known.storage_key),
      state = case when known.id = any (changed) then 'new' else known.state end,
      failure_code = case when known.id = any (changed) then null else known.failure_code end,
      failure_reason = case when known.id = any (changed) then null else known.failure_reason end,
      updated_at = now();
  return coalesce(changed, '{}');
end
$$;

create function finish_source_sync(p_source_id uuid, p_sync_id text, p_complete_listing boolean) returns integer
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from sources where id = p_source_id;
  perform lock_deal(its_deal);
  update sources set last_synced_at = now(), last_error = null, updated_at = now() where id = p_source_id;
  if not found then
    perform refuse_missing('source_not_found', 'There is no such source.');
  end if;
  if not p_complete_listing then
    return 0;
  end if;
  return delete_items(
    array(select id from documents
      where source_id = p_source_id and seen_in_sync is distinct from p_sync_id and state <> 'deleted'),
    array(select id from emails
      where source_id = p_source_id and seen_in_sync is distinct from p_sync_id and state <> 'deleted')
  );
end
$$;

-- deals -----------------------------------------------------------------------------------------------------------------

-- Without relying on a unique constraint: the app's own table may have none.
create function add_deal_member(p_deal_id uuid, p_user_id uuid, p_role text) returns void
language plpgsql set search_path from current as $$
begin
  if not exists (select from deals where id = p_deal_id) then
    perform refuse_missing('deal_not_found', 'There is no such deal.');
  end if;
  perform lock_deal(p_deal_id);
  update deal_members set role = p_role where deal_id = p_deal_id and user_id = p_user_id;
  if not found then
    insert into deal_members (deal_id, user_id, role) values (p_deal_id, p_user_id, p_role);
  end if;
end
$$;
