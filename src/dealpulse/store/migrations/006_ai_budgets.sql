-- What models may cost and did cost, and answers to be asked for again.

-- What the deal may spend on models a day; null is the service's own AI_DAILY_BUDGET_USD, 0 any amount.
alter table deals
  add column if not exists ai_daily_budget_usd numeric(12, 2) check (ai_daily_budget_usd >= 0);

create index ai_usage_document on ai_usage (document_id) where document_id is not null;

-- Operations that are done, but only for now: the offline engine stood in for a model. Due ones are asked for again.
create table deferred_operations (
  subject_type text not null,
  subject_id uuid not null,
  operation text not null,
  deal_id uuid not null references deals on delete cascade,
  due_at timestamptz not null,
  primary key (subject_type, subject_id, operation)
);
comment on table deferred_operations is 'dealpulse';
create index deferred_operations_due on deferred_operations (due_at);
create index deferred_operations_deal on deferred_operations (deal_id);
alter table deferred_operations enable row level security;

create function defer_operation(p_operation jsonb, p_seconds double precision) returns void
language sql set search_path from current as $$
  insert into deferred_operations (subject_type, subject_id, operation, deal_id, due_at)
  select told.subject_type, told.subject_id, told.operation, told.deal_id, now() + make_interval(secs => p_seconds)
  from jsonb_to_record(p_operation) as told (subject_type text, subject_id uuid, operation text, deal_id uuid)
  on conflict (subject_type, subject_id, operation) do update set due_at = excluded.due_at;
$$;

-- Asks for what is due, longest due first, and returns it. What somebody else asked for meanwhile is asked for all the
-- same: its answer is in the cache, or it is being given right now.
create function ask_deferred_operations(p_limit integer) returns jsonb
language plpgsql set search_path from current as $$
declare
  due jsonb;
begin
  with chosen as (
    select subject_type, subject_id, operation from deferred_operations
    where due_at <= now()
    order by due_at, subject_type, subject_id, operation
    limit p_limit
    for update skip locked
  ), taken as (
    delete from deferred_operations later using chosen
    where (later.subject_type, later.subject_id, later.operation)
      = (chosen.subject_type, chosen.subject_id, chosen.operation)
    returning later.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'subject_type', subject_type, 'subject_id', subject_id, 'operation', operation, 'name', operation,
    'deal_id', deal_id
  ) order by due_at, subject_type, subject_id, operation), '[]') into due from taken;
  perform ask_operations(due);
  return due;
end
$$;

-- What a deal has spent since a moment, and its own budget, if it has one.
create function ai_spending(p_deal_id uuid, p_since timestamptz) returns jsonb
language sql stable set search_path from current as $$
  select jsonb_build_object(
    'budget_usd', (select ai_daily_budget_usd from deals where id = p_deal_id),
    'spent_usd', (
      select coalesce(sum(cost_usd), 0) from ai_usage where deal_id = p_deal_id and created_at >= p_since
    )
  );
$$;

-- By day in p_zone, operation and model; both days count.
create function ai_cost_by_day(p_deal_id uuid, p_zone text, p_first date, p_last date) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(to_jsonb(cost) order by day, operation, model), '[]')
  from (
    select (created_at at time zone p_zone)::date as day, operation, engine, model, count(*) as calls,
      sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
      sum(cost_usd) as cost_usd
    from ai_usage
    where deal_id = p_deal_id
      and created_at >= p_first::timestamp at time zone p_zone
      and created_at < (p_last + 1)::timestamp at time zone p_zone
    group by 1, operation, engine, model
  ) cost;
$$;

create function ai_cost_of_document(p_document_id uuid) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(to_jsonb(cost) order by operation, model), '[]')
  from (
    select operation, engine, model, count(*) as calls,
      sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
      sum(cost_usd) as cost_usd
    from ai_usage
    where document_id = p_document_id
    group by operation, engine, model
  ) cost;
$$;

-- Only the service role reads and calls these.
do $$
declare
  its_role text;
  its_function regprocedure;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'defer_operation', 'ask_deferred_operations', 'ai_spending', 'ai_cost_by_day', 'ai_cost_of_document'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on deferred_operations from %I', its_role);
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
    end loop;
    if its_role = 'service_role' then
      grant select, insert, update, delete on deferred_operations to service_role;
      foreach its_function in array functions loop
        execute format('grant execute on function %s to service_role', its_function);
      end loop;
    end if;
  end loop;
end
$$;
