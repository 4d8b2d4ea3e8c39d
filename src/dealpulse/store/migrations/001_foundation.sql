-- DealPulse's tables, beside whatever an app already has. Names are unqualified: the runner sets the schema.
--
-- deals, deal_members, documents and emails may belong to the app. Then they only gain the columns missing here, each
-- nullable or with a default; their row level security, policies, constraints and grants stay as they are. A table made
-- here carries the comment "dealpulse", by which later migrations know it for ours, and nobody but the service role sees
-- anything in it until a policy says so.

do $$
begin
  if to_regclass('deals') is null then
    create table deals (id uuid primary key default gen_random_uuid());
    comment on table deals is 'dealpulse';
  end if;
  if to_regclass('deal_members') is null then
    create table deal_members (
      deal_id uuid not null references deals on delete cascade,
      user_id uuid not null,
      primary key (deal_id, user_id)
    );
    comment on table deal_members is 'dealpulse';
  end if;
  if to_regclass('emails') is null then
    create table emails (
      id uuid primary key default gen_random_uuid(),
      deal_id uuid not null references deals on delete cascade
    );
    comment on table emails is 'dealpulse';
  end if;
  if to_regclass('documents') is null then
    create table documents (
      id uuid primary key default gen_random_uuid(),
      deal_id uuid not null references deals on delete cascade
    );
    comment on table documents is 'dealpulse';
  end if;
end
$$;

alter table deals
  add column if not exists name text not null default '',
  add column if not exists status text not null default 'active',
  add column if not exists time_zone text,
  add column if not exists created_at timestamptz not null default now(),
  add column if not exists updated_at timestamptz not null default now();

alter table deal_members
  add column if not exists deal_id uuid references deals on delete cascade,
  add column if not exists user_id uuid,
  add column if not exists role text not null default 'member';

create index dealpulse_deal_members_user on deal_members (user_id);

create table sources (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  type text not null,
  name text not null,
  location text not null,
  state text not null default 'active' check (state in ('active', 'paused', 'needs_consent')),
  cursor text,
  last_synced_at timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, type, location)
);
comment on table sources is 'dealpulse';

-- What comes from a source is identified by (source_id, external_id); what was uploaded or attached by name and content.
-- A row without storage_key is the app's own and none of our business.

alter table emails
  add column if not exists deal_id uuid references deals on delete cascade,
  add column if not exists source_id uuid references sources on delete set null,
  add column if not exists external_id text,
  add column if not exists source_version text,
  add column if not exists seen_in_sync text,
  add column if not exists name text not null default '',
  add column if not exists path text not null default '',
  add column if not exists content_hash text,
  add column if not exists storage_key text,
  add column if not exists size_bytes bigint not null default 0,
  add column if not exists web_link text,
  add column if not exists state text not null default 'new' check (state in ('new', 'ready', 'failed', 'deleted')),
  add column if not exists failure_code text,
  add column if not exists failure_reason text,
  add column if not exists message_id text,
  add column if not exists in_reply_to text,
  add column if not exists thread_key text,
  add column if not exists subject text not null default '',
  add column if not exists sender_address jsonb,
  add column if not exists to_addresses jsonb not null default '[]',
  add column if not exists cc_addresses jsonb not null default '[]',
  add column if not exists sent_at timestamptz,
  add column if not exists body_text text not null default '',
  add column if not exists full_text text not null default '',
  add column if not exists calendar_events jsonb not null default '[]',
  add column if not exists ai_sentiment jsonb,
  add column if not exists ai_origin jsonb,
  add column if not exists created_at timestamptz not null default now(),
  add column if not exists updated_at timestamptz not null default now();

create unique index dealpulse_emails_item on emails (source_id, external_id);
create unique index dealpulse_emails_upload on emails (deal_id, left(name, 400), content_hash)
  where external_id is null and storage_key is not null;
create index dealpulse_emails_deal on emails (deal_id, id);
create index dealpulse_emails_thread on emails using hash (thread_key);

alter table documents
  add column if not exists deal_id uuid references deals on delete cascade,
  add column if not exists source_id uuid references sources on delete set null,
  add column if not exists external_id text,
  add column if not exists source_version text,
  add column if not exists seen_in_sync text,
  add column if not exists email_id uuid references emails on delete cascade,
  add column if not exists name text not null default '',
  add column if not exists path text not null default '',
  add column if not exists mime_type text,
  add column if not exists size_bytes bigint not null default 0,
  add column if not exists content_hash text,
  add column if not exists storage_key text,
  add column if not exists web_link text,
  add column if not exists state text not null default 'new' check (state in ('new', 'ready', 'failed', 'deleted')),
  add column if not exists failure_code text,
  add column if not exists failure_reason text,
  add column if not exists page_count integer not null default 0,
  add column if not exists ai_summary jsonb,
  add column if not exists ai_classification jsonb,
  add column if not exists ai_origin jsonb,
  add column if not exists created_at timestamptz not null default now(),
  add column if not exists updated_at timestamptz not null default now();

create unique index dealpulse_documents_item on documents (source_id, external_id);
create unique index dealpulse_documents_upload
  on documents (deal_id, coalesce(email_id, '00000000-0000-0000-0000-000000000000'), left(name, 400), content_hash)
  where external_id is null and storage_key is not null;
create index dealpulse_documents_deal on documents (deal_id, id);
create index dealpulse_documents_email on documents (email_id) where email_id is not null;

create table document_pages (
  document_id uuid not null references documents on delete cascade,
  number integer not null check (number > 0),
  kind text not null,
  text text not null,
  char_start integer not null,
  char_end integer not null,
  label text,
  method text not null,
  confidence double precision,
  rotation integer not null default 0,
  warnings jsonb not null default '[]',
  primary key (document_id, number)
);
comment on table document_pages is 'dealpulse';

-- One finding a deal and fingerprint. What it says is taken from the gravest of its citations (settle_findings).

create table findings (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  fingerprint text not null,
  category text not null,
  severity text not null check (severity in ('P0', 'P1', 'P2', 'P3')),
  action text not null,
  title text not null,
  explanation text not null,
  status text not null default 'open' check (status in ('open', 'resolved', 'rejected')),
  origin jsonb not null,
  first_seen_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, fingerprint)
);
comment on table findings is 'dealpulse';

create table finding_citations (
  document_id uuid not null references documents on delete cascade,
  position integer not null,
  finding_id uuid not null references findings on delete cascade,
  page integer,
  quote text not null,
  char_start integer,
  char_end integer,
  verification text not null check (verification in ('verified', 'repaired', 'unverified')),
  category text not null,
  severity text not null check (severity in ('P0', 'P1', 'P2', 'P3')),
  action text not null,
  title text not null,
  explanation text not null,
  origin jsonb not null,
  primary key (document_id, position)
);
comment on table finding_citations is 'dealpulse';
create index finding_citations_finding on finding_citations (finding_id);

-- One blocker a deal and fingerprint. What it says is taken from the latest e-mail that tells it (settle_blockers).

create table blockers (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  fingerprint text not null,
  email_id uuid references emails on delete set null,
  title text not null,
  owner text,
  due_date date,
  needed_action text not null,
  opened_on date not null,
  status text not null default 'open' check (status in ('open', 'resolved', 'dismissed')),
  page integer,
  quote text not null,
  char_start integer,
  char_end integer,
  verification text not null check (verification in ('verified', 'repaired', 'unverified')),
  origin jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, fingerprint)
);
comment on table blockers is 'dealpulse';
create index blockers_email on blockers (email_id);

create table blocker_mentions (
  email_id uuid not null references emails on delete cascade,
  position integer not null,
  blocker_id uuid not null references blockers on delete cascade,
  title text not null,
  owner text,
  due_date date,
  needed_action text not null,
  opened_on date not null,
  status text not null check (status in ('open', 'resolved', 'dismissed')),
  page integer,
  quote text not null,
  char_start integer,
  char_end integer,
  verification text not null check (verification in ('verified', 'repaired', 'unverified')),
  origin jsonb not null,
  primary key (email_id, position)
);
comment on table blocker_mentions is 'dealpulse';
create index blocker_mentions_blocker on blocker_mentions (blocker_id);

create table briefs (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  brief_date date not null,
  status text not null check (status in ('complete', 'partial')),
  markdown text not null,
  content jsonb not null default '{}',
  origin jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, brief_date)
);
comment on table briefs is 'dealpulse';

create table ai_usage (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  document_id uuid references documents on delete set null,
  email_id uuid references emails on delete set null,
  operation text not null,
  engine text not null,
  model text not null,
  confidence text not null,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cache_read_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  cost_usd numeric(14, 6) not null default 0,
  duration_ms bigint not null default 0,
  request_id text,
  stop_reason text,
  created_at timestamptz not null default now()
);
comment on table ai_usage is 'dealpulse';
create index ai_usage_deal on ai_usage (deal_id, created_at);

create table ai_cache (
  key text primary key,
  value text not null,
  operation text not null,
  model text not null,
  created_at timestamptz not null default now()
);
comment on table ai_cache is 'dealpulse';

-- What is asked of each row, from which the queues can be rebuilt. asked_again: asked anew while it was running, so
-- that it goes back to pending when the run ends; the next run clears it.

create table processing_operations (
  subject_type text not null,
  subject_id uuid not null,
  operation text not null,
  deal_id uuid not null references deals on delete cascade,
  state text not null default 'pending' check (state in ('pending', 'queued', 'running', 'done', 'failed')),
  asked_again boolean not null default false,
  error_code text,
  error_message text,
  asked_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (subject_type, subject_id, operation)
);
comment on table processing_operations is 'dealpulse';
create index processing_operations_deal on processing_operations (deal_id);
create index processing_operations_unfinished on processing_operations (changed_at)
  where state in ('pending', 'queued', 'running');

do $$
declare
  ours regclass;
begin
  for ours in
    select oid from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
      and obj_description(oid, 'pg_class') = 'dealpulse'
  loop
    execute format('alter table %s enable row level security', ours);
  end loop;
end
$$;
