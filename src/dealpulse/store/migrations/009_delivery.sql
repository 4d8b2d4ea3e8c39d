-- Who is sent what a deal's workers write, by which way and when, and how each sending went.

create table recipients (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  channel text not null check (channel in ('webhook', 'email')),
  address text not null check (address <> ''),
  kinds text[] not null check (kinds <> '{}' and kinds <@ array['daily_brief', 'weekly_report', 'risk_register']),
  secret text check (channel = 'email' or secret is not null),
  state text not null default 'active' check (state in ('active', 'paused')),
  created_at timestamptz not null default now(),
  unique (deal_id, channel, address)
);
comment on table recipients is 'dealpulse';

-- asked_until: due times up to this one have been seen to. A schedule begins when it is made.
create table report_schedules (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  kind text not null check (kind in ('weekly_report', 'risk_register')),
  cron text not null,
  time_zone text not null,
  state text not null default 'active' check (state in ('active', 'paused')),
  asked_until timestamptz not null default now(),
  created_at timestamptz not null default now()
);
comment on table report_schedules is 'dealpulse';
create index report_schedules_deal on report_schedules (deal_id);

create table reports (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  kind text not null check (kind in ('weekly_report', 'risk_register')),
  report_date date not null,
  status text not null check (status in ('complete', 'partial')),
  headline text not null,
  markdown text not null,
  html text not null default '',
  csv text not null default '',
  content jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (deal_id, kind, report_date)
);
comment on table reports is 'dealpulse';

-- One sending of one thing to one recipient: nothing is sent to anybody twice unless a person asks for it. subject is
-- the date of a brief or report; of a test, an id of its own.
create table deliveries (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid not null references deals on delete cascade,
  recipient_id uuid not null references recipients on delete cascade,
  kind text not null check (kind in ('daily_brief', 'weekly_report', 'risk_register', 'test')),
  subject text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  error_code text,
  error_message text,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  unique (recipient_id, kind, subject)
);
comment on table deliveries is 'dealpulse';
create index deliveries_deal on deliveries (deal_id, created_at desc);

-- The ids of what is still to be sent of one brief or report: a sending for each active recipient who wants it.
create function plan_deliveries(p_deal_id uuid, p_kind text, p_subject text) returns jsonb
language plpgsql set search_path from current as $$
begin
  insert into deliveries (deal_id, recipient_id, kind, subject)
  select p_deal_id, r.id, p_kind, p_subject
  from recipients r
  where r.deal_id = p_deal_id and r.state = 'active' and p_kind = any (r.kinds)
  on conflict (recipient_id, kind, subject) do nothing;
  return coalesce((
    select jsonb_agg(d.id order by d.id)
    from deliveries d
    join recipients r on r.id = d.recipient_id
    where d.deal_id = p_deal_id and d.kind = p_kind and d.subject = p_subject
      and d.state = 'pending' and r.state = 'active'
  ), '[]');
end
$$;

-- How one attempt went. What arrived has arrived, whatever a later attempt tells.
create function note_delivery(p_delivery_id uuid, p_state text, p_error_code text, p_error_message text) returns void
language sql set search_path from current as $$
  update deliveries
  set state = p_state, attempts = attempts + 1, error_code = p_error_code, error_message = p_error_message,
      delivered_at = case p_state when 'delivered' then now() else delivered_at end
  where id = p_delivery_id and state <> 'delivered';
$$;

-- Of several workers that find a schedule due, one wins. The due time is marked and the work is asked for in one
-- transaction, so a crash loses neither; p_operations is empty where it is too late for the report.
create function ask_due_report(p_schedule_id uuid, p_seen timestamptz, p_due timestamptz, p_operations jsonb)
  returns boolean
language plpgsql set search_path from current as $$
begin
  update report_schedules set asked_until = p_due
  where id = p_schedule_id and state = 'active' and asked_until = p_seen;
  if not found then
    return false;
  end if;
  perform ask_operations(p_operations);
  return true;
end
$$;

-- rights --------------------------------------------------------------------------------------------------------------

do $$
declare
  its_name text;
  its_role text;
  its_function regprocedure;
  tables constant text[] := array['recipients', 'report_schedules', 'reports', 'deliveries'];
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace
      and p.proname in ('plan_deliveries', 'note_delivery', 'ask_due_report')
  );
begin
  foreach its_name in array tables loop
    execute format('alter table %I enable row level security', its_name);
    execute format(
      'create policy "members read what belongs to their deals" on %I for select to public'
      ' using (deal_id in (select my_deal_ids()))', its_name
    );
  end loop;
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    foreach its_name in array tables loop
      execute format('revoke all on %I from %I', its_name, its_role);
      if its_role = 'service_role' then
        execute format('grant select, insert, update, delete on %I to service_role', its_name);
      elsif its_role = 'authenticated' and its_name <> 'recipients' then
        execute format('grant select on %I to authenticated', its_name);
      end if;
    end loop;
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
      if its_role = 'service_role' then
        execute format('grant execute on function %s to service_role', its_function);
      end if;
    end loop;
    if its_role = 'authenticated' then
      -- All but the secret.
      grant select (id, deal_id, channel, address, kinds, state, created_at) on recipients to authenticated;
    end if;
  end loop;
end
$$;
