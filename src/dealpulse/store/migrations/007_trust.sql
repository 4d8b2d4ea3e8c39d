-- One risk, many citations, from documents and e-mails; blockers across their thread; what people said of either.

-- terms: what a clause is about, so that the same risk in other words is known again: '#' before a number, '@' before a
-- name, else a word's stem. review: what a person said last.
alter table findings
  add column terms text[] not null default '{}',
  add column review text check (review in ('accepted', 'rejected', 'corrected')),
  add column corrections jsonb not null default '{}',
  add column changed_at timestamptz not null default now();

alter table finding_citations drop constraint finding_citations_pkey;
alter table finding_citations
  alter column document_id drop not null,
  add column email_id uuid references emails on delete cascade,
  add check (num_nonnulls(document_id, email_id) = 1),
  add unique (document_id, position),
  add unique (email_id, position);

alter table blockers
  add column thread_key text,
  add column terms text[] not null default '{}',
  add column review text check (review in ('resolved', 'dismissed_once', 'dismissed', 'corrected')),
  add column reviewed_at timestamptz,
  add column corrections jsonb not null default '{}';
create index blockers_thread on blockers (deal_id, thread_key);

create table feedback (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  finding_id uuid references findings on delete cascade,
  blocker_id uuid references blockers on delete cascade,
  verdict text not null,
  corrections jsonb not null default '{}',
  reason text not null default '',
  author text not null,
  created_at timestamptz not null default now(),
  check (num_nonnulls(finding_id, blocker_id) = 1)
);
comment on table feedback is 'dealpulse';
create index feedback_deal on feedback (deal_id, created_at);

-- telling the same ------------------------------------------------------------------------------------------------------

-- Whether two clauses tell the same risk: the same numbers, no name the other contradicts, and most words in common.
-- Two notice periods are two risks, and so are two customers.
create function tells_the_same(p_one text[], p_other text[]) returns boolean
language sql immutable set search_path from current as $$
  select a.numbers is not distinct from b.numbers
    and (a.names <@ b.names or b.names <@ a.names)
    and shared.words >= 4
    and shared.words * 4 >= 3 * least(cardinality(a.words), cardinality(b.words))
    and shared.words * 2 >= greatest(cardinality(a.words), cardinality(b.words))
  from (
    select array_agg(x order by x) filter (where x like '#%') as numbers,
      coalesce(array_agg(x) filter (where x like '@%'), '{}') as names,
      coalesce(array_agg(x) filter (where x !~ '^[#@]'), '{}') as words
    from unnest(p_one) x
  ) a,
  (
    select array_agg(x order by x) filter (where x like '#%') as numbers,
      coalesce(array_agg(x) filter (where x like '@%'), '{}') as names,
      coalesce(array_agg(x) filter (where x !~ '^[#@]'), '{}') as words
    from unnest(p_other) x
  ) b,
  lateral (select count(*) as words from unnest(a.words) w where w = any (b.words)) shared;
$$;

-- Titles of blockers in one thread are a few words each; how much of the shorter one is in the other, none below 2/3.
create function likeness_of_topics(p_one text[], p_other text[]) returns double precision
language sql immutable set search_path from current as $$
  select case when shared * 3 >= 2 * least(cardinality(p_one), cardinality(p_other)) and shared > 0
    then shared::double precision / greatest(cardinality(p_one), cardinality(p_other)) end
  from (select count(*) as shared from unnest(p_one) w where w = any (p_other)) counted;
$$;

-- findings --------------------------------------------------------------------------------------------------------------

-- Says of each finding what the gravest of its verified citations says and a person did not correct, and resolves those
-- without any. Needs the deal's lock.
create or replace function settle_findings(p_finding_ids uuid[]) returns void
language sql set search_path from current as $$
  update findings f
  set category = told.category, severity = told.severity, action = told.action, title = told.title,
      explanation = coalesce(told.explanation, f.explanation),
      origin = coalesce(told.origin, f.origin),
      status = told.status,
      changed_at = case
        when (f.category, f.severity, f.action, f.title) is distinct from
             (told.category, told.severity, told.action, told.title) then now()
        else f.changed_at
      end,
      updated_at = now()
  from (
    select known.id,
      coalesce(known.corrections ->> 'category', c.category, known.category) as category,
      coalesce(known.corrections ->> 'severity', c.severity, known.severity) as severity,
      coalesce(known.corrections ->> 'action', c.action, known.action) as action,
      coalesce(known.corrections ->> 'title', c.title, known.title) as title,
      c.explanation, c.origin,
      case
        when known.review = 'rejected' or known.review is null and known.status = 'rejected' then 'rejected'
        when c.finding_id is null then 'resolved'
        else 'open'
      end as status
    from (select distinct unnest(p_finding_ids) as id) as settled
    join findings known on known.id = settled.id
    left join lateral (
      select * from finding_citations
      where finding_citations.finding_id = settled.id
      order by verification = 'unverified', severity, coalesce(document_id, email_id), position
      limit 1
    ) c on true
  ) told
  where f.id = told.id
    and (
      (f.category, f.severity, f.action, f.title, f.status)
        is distinct from (told.category, told.severity, told.action, told.title, told.status)
      or (f.explanation, f.origin)
        is distinct from (coalesce(told.explanation, f.explanation), coalesce(told.origin, f.origin))
    );
$$;

-- The deal's finding that tells this risk already: by its fingerprint, else the one most like it.
create function known_finding(p_deal_id uuid, p_finding jsonb) returns uuid
language sql stable set search_path from current as $$
  select f.id
  from findings f,
    lateral (select coalesce(array(select jsonb_array_elements_text(p_finding -> 'terms')), '{}') as terms) as told
  where f.deal_id = p_deal_id
    and (
      f.fingerprint = p_finding ->> 'fingerprint'
      or f.category = p_finding ->> 'category' and tells_the_same(f.terms, told.terms)
    )
  order by f.fingerprint = p_finding ->> 'fingerprint' desc,
    (select count(*) from unnest(f.terms) w where w = any (told.terms)) desc, f.first_seen_at, f.fingerprint
  limit 1;
$$;

-- Cites findings from a document or an e-mail, in place of all it said before. Needs the deal's lock.
create function cite_findings(p_deal_id uuid, p_document_id uuid, p_email_id uuid, p_findings jsonb, p_origin jsonb)
returns void
language plpgsql set search_path from current as $$
declare
  cited uuid[];
  told record;
  known uuid;
begin
  with gone as (
    delete from finding_citations where document_id = p_document_id or email_id = p_email_id returning finding_id
  )
  select coalesce(array_agg(distinct finding_id), '{}') into cited from gone;

  for told in select item, position from jsonb_array_elements(p_findings) with ordinality as each (item, position) loop
    known := known_finding(p_deal_id, told.item);
    if known is null then
      insert into findings (deal_id, fingerprint, category, severity, action, title, explanation, origin, terms)
      values (
        p_deal_id, told.item ->> 'fingerprint', told.item ->> 'category', told.item ->> 'severity',
        told.item ->> 'action', told.item ->> 'title', told.item ->> 'explanation', p_origin,
        coalesce(array(select jsonb_array_elements_text(told.item -> 'terms')), '{}')
      )
      returning id into known;
    end if;
    insert into finding_citations
      (document_id, email_id, position, finding_id, page, quote, char_start, char_end, verification,
       category, severity, action, title, explanation, origin)
    select p_document_id, p_email_id, told.position, known, (citation ->> 'page')::integer, citation ->> 'quote',
      (citation ->> 'start')::integer, (citation ->> 'end')::integer, citation ->> 'verification',
      told.item ->> 'category', told.item ->> 'severity', told.item ->> 'action', told.item ->> 'title',
      told.item ->> 'explanation', p_origin
    from (select told.item -> 'citation' as citation) as quoted;
    cited := cited || known;
  end loop;
  perform settle_findings(cited);
end
$$;

create or replace function save_document_analysis(
  p_document_id uuid, p_summary jsonb, p_classification jsonb, p_findings jsonb, p_origin jsonb
) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  its_state text;
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
  if p_findings is not null and its_state not in ('deleted', 'failed') then
    perform cite_findings(its_deal, p_document_id, null, p_findings, p_origin);
  end if;
end
$$;

create or replace function deal_findings(p_deal_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(finding order by severity, first_seen_at, id), '[]')
  from (
    select f.severity, f.first_seen_at, f.id, jsonb_build_object(
      'id', f.id, 'category', f.category, 'severity', f.severity, 'action', f.action, 'title', f.title,
      'explanation', f.explanation, 'fingerprint', f.fingerprint, 'origin', f.origin, 'review', f.review,
      'first_seen_at', f.first_seen_at, 'changed_at', f.changed_at,
      'status', case when f.status = 'open' and c.citations is null then 'resolved' else f.status end,
      'citations', coalesce(c.citations, '[]')
    ) as finding
    from findings f
    left join lateral (
      select jsonb_agg(
        jsonb_build_object(
          'document_id', k.document_id, 'email_id', k.email_id, 'document_name', coalesce(d.name, e.subject),
          'citation', jsonb_build_object(
            'quote', k.quote, 'page', k.page, 'verification', k.verification, 'start', k.char_start, 'end', k.char_end
          )
        ) order by k.verification = 'unverified', k.severity, coalesce(k.document_id, k.email_id), k.position
      ) as citations
      from finding_citations k
      left join documents d on d.id = k.document_id
      left join emails e on e.id = k.email_id
      where k.finding_id = f.id
    ) c on true
    where f.deal_id = p_deal_id
  ) found;
$$;

-- blockers --------------------------------------------------------------------------------------------------------------

-- Says of each blocker what the latest e-mail says that mentions it and can be quoted, and a person did not correct. One
-- nobody mentions any more was none, unless a person had a say in it. What a person settled is open again when a later
-- e-mail raises it, unless it was dismissed for good. Needs the deal's lock.
create or replace function settle_blockers(p_blocker_ids uuid[]) returns void
language sql set search_path from current as $$
  delete from blockers b
  where b.id = any (p_blocker_ids)
    and b.status <> 'dismissed' and b.review is null
    and not exists (select from blocker_mentions m where m.blocker_id = b.id);

  update blockers b
  set email_id = m.email_id, title = m.title, owner = m.owner, due_date = m.due_date, needed_action = m.needed_action,
      opened_on = m.first_opened_on, page = m.page, quote = m.quote, char_start = m.char_start, char_end = m.char_end,
      verification = m.verification, origin = m.origin, status = m.settled_status, updated_at = now()
  from (
    select known.id, last.email_id, last.first_opened_on, last.page, last.quote, last.char_start, last.char_end,
      last.verification, last.origin,
      coalesce(known.corrections ->> 'title', last.title) as title,
      coalesce(known.corrections ->> 'owner', last.owner) as owner,
      coalesce((known.corrections ->> 'due_date')::date, last.due_date) as due_date,
      coalesce(known.corrections ->> 'needed_action', last.needed_action) as needed_action,
      case
        when known.review = 'dismissed' or known.review is null and known.status = 'dismissed' then 'dismissed'
        when known.review in ('dismissed_once', 'resolved') and last.told_at <= known.reviewed_at
          then case known.review when 'resolved' then 'resolved' else 'dismissed' end
        else last.status
      end as settled_status
    from (select distinct unnest(p_blocker_ids) as id) as settled
    join blockers known on known.id = settled.id
    cross join lateral (
      select mention.*, coalesce(e.sent_at, e.created_at) as told_at,
        min(mention.opened_on) over () as first_opened_on
      from blocker_mentions mention
      join emails e on e.id = mention.email_id
      where mention.blocker_id = settled.id
      order by mention.verification = 'unverified', coalesce(e.sent_at, e.created_at) desc, e.id desc,
        mention.position desc
      limit 1
    ) last
  ) m
  where b.id = m.id
    and (b.status, b.email_id, b.title, b.owner, b.due_date, b.needed_action, b.opened_on, b.page, b.quote,
         b.char_start, b.char_end, b.verification, b.origin)
      is distinct from
        (m.settled_status, m.email_id, m.title, m.owner, m.due_date, m.needed_action, m.first_opened_on, m.page,
         m.quote, m.char_start, m.char_end, m.verification, m.origin);
$$;

-- The blocker an e-mail means: by its fingerprint, else the one of its thread that is about the same.
create function known_blocker(p_deal_id uuid, p_thread_key text, p_blocker jsonb) returns uuid
language sql stable set search_path from current as $$
  select b.id
  from blockers b,
    lateral (select coalesce(array(select jsonb_array_elements_text(p_blocker -> 'terms')), '{}') as terms) as told
  where b.deal_id = p_deal_id
    and (
      b.fingerprint = p_blocker ->> 'fingerprint'
      or b.thread_key = p_thread_key and likeness_of_topics(b.terms, told.terms) is not null
    )
  order by b.fingerprint = p_blocker ->> 'fingerprint' desc, likeness_of_topics(b.terms, told.terms) desc nulls last,
    b.created_at, b.fingerprint
  limit 1;
$$;

drop function save_email_analysis(uuid, jsonb, jsonb, jsonb);
create function save_email_analysis(
  p_email_id uuid, p_sentiment jsonb, p_blockers jsonb, p_findings jsonb, p_origin jsonb
) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
  its_state text;
  its_thread text;
  mentioned uuid[];
  told record;
  known uuid;
begin
  select deal_id into its_deal from emails where id = p_email_id;
  perform lock_deal(its_deal);
  update emails
  set ai_sentiment = coalesce(p_sentiment, ai_sentiment),
      ai_origin = case when p_sentiment is null then ai_origin else p_origin end,
      updated_at = now()
  where id = p_email_id
  returning state, thread_key into its_state, its_thread;
  if not found then
    perform refuse_missing('email_not_found', 'There is no such e-mail.');
  end if;
  if its_state in ('deleted', 'failed') then
    return;
  end if;
  if p_findings is not null then
    perform cite_findings(its_deal, null, p_email_id, p_findings, p_origin);
  end if;
  if p_blockers is null then
    return;
  end if;

  with gone as (delete from blocker_mentions where email_id = p_email_id returning blocker_id)
  select coalesce(array_agg(distinct blocker_id), '{}') into mentioned from gone;

  for told in select item, position from jsonb_array_elements(p_blockers) with ordinality as each (item, position) loop
    known := known_blocker(its_deal, its_thread, told.item);
    if known is null then
      insert into blockers
        (deal_id, fingerprint, email_id, title, needed_action, opened_on, quote, verification, origin, thread_key, terms)
      values (
        its_deal, told.item ->> 'fingerprint', p_email_id, told.item ->> 'title', told.item ->> 'needed_action',
        (told.item ->> 'opened_on')::date, told.item -> 'citation' ->> 'quote',
        told.item -> 'citation' ->> 'verification', p_origin, its_thread,
        coalesce(array(select jsonb_array_elements_text(told.item -> 'terms')), '{}')
      )
      returning id into known;
    end if;
    insert into blocker_mentions
      (email_id, position, blocker_id, title, owner, due_date, needed_action, opened_on, status,
       page, quote, char_start, char_end, verification, origin)
    select p_email_id, told.position, known, told.item ->> 'title', told.item ->> 'owner',
      (told.item ->> 'due_date')::date, told.item ->> 'needed_action', (told.item ->> 'opened_on')::date,
      told.item ->> 'status', (citation ->> 'page')::integer, citation ->> 'quote',
      (citation ->> 'start')::integer, (citation ->> 'end')::integer, citation ->> 'verification', p_origin
    from (select told.item -> 'citation' as citation) as quoted;
    mentioned := mentioned || known;
  end loop;
  perform settle_blockers(mentioned);
end
$$;

create or replace function withdraw_mentions(p_email_ids uuid[]) returns void
language plpgsql set search_path from current as $$
declare
  mentioned uuid[];
  cited uuid[];
begin
  with gone as (delete from blocker_mentions where email_id = any (p_email_ids) returning blocker_id)
  select array_agg(distinct blocker_id) into mentioned from gone;
  perform settle_blockers(mentioned);
  with gone as (delete from finding_citations where email_id = any (p_email_ids) returning finding_id)
  select array_agg(distinct finding_id) into cited from gone;
  perform settle_findings(cited);
end
$$;

create or replace function deal_blockers(p_deal_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', b.id, 'email_id', b.email_id, 'email_subject', e.subject, 'origin', b.origin, 'review', b.review,
        'updated_at', b.updated_at,
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

-- feedback --------------------------------------------------------------------------------------------------------------

create function give_finding_feedback(
  p_finding_id uuid, p_verdict text, p_corrections jsonb, p_reason text, p_author text
) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from findings where id = p_finding_id;
  if not found then
    perform refuse_missing('finding_not_found', 'There is no such finding.');
  end if;
  perform lock_deal(its_deal);
  insert into feedback (deal_id, finding_id, verdict, corrections, reason, author)
  values (its_deal, p_finding_id, p_verdict, p_corrections, p_reason, p_author);
  update findings
  set review = case p_verdict when 'accept' then 'accepted' when 'reject' then 'rejected' else 'corrected' end,
      corrections = corrections || p_corrections, updated_at = now()
  where id = p_finding_id;
  perform settle_findings(array[p_finding_id]);
end
$$;

create function give_blocker_feedback(
  p_blocker_id uuid, p_verdict text, p_corrections jsonb, p_reason text, p_author text
) returns void
language plpgsql set search_path from current as $$
declare
  its_deal uuid;
begin
  select deal_id into its_deal from blockers where id = p_blocker_id;
  if not found then
    perform refuse_missing('blocker_not_found', 'There is no such blocker.');
  end if;
  perform lock_deal(its_deal);
  insert into feedback (deal_id, blocker_id, verdict, corrections, reason, author)
  values (its_deal, p_blocker_id, p_verdict, p_corrections, p_reason, p_author);
  update blockers
  set review = case p_verdict
        when 'resolve' then 'resolved' when 'dismiss_once' then 'dismissed_once' when 'dismiss' then 'dismissed'
        when 'reopen' then 'corrected' else coalesce(review, 'corrected')
      end,
      reviewed_at = case p_verdict when 'correct' then reviewed_at else now() end,
      status = case p_verdict when 'resolve' then 'resolved' when 'reopen' then 'open' when 'correct' then status
        else 'dismissed' end,
      corrections = corrections || p_corrections, updated_at = now()
  where id = p_blocker_id;
  perform settle_blockers(array[p_blocker_id]);
end
$$;

-- rights ----------------------------------------------------------------------------------------------------------------

alter table feedback enable row level security;
create policy "members read what belongs to their deals" on feedback for select to public
  using (deal_id in (select my_deal_ids()));

do $$
declare
  its_role text;
  its_function regprocedure;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'tells_the_same', 'likeness_of_topics', 'known_finding', 'cite_findings', 'known_blocker', 'save_email_analysis',
      'give_finding_feedback', 'give_blocker_feedback'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on feedback from %I', its_role);
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
      if its_role = 'service_role' then
        execute format('grant execute on function %s to service_role', its_function);
      end if;
    end loop;
    if its_role = 'service_role' then
      execute 'grant select, insert, update, delete on feedback to service_role';
    elsif its_role = 'authenticated' then
      execute 'grant select on feedback to authenticated';
    end if;
  end loop;
end
$$;
