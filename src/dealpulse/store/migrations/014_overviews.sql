-- What operators look at over all deals: what models cost, who is at the end of a budget, where a brief is missing; and
-- a way to ask for many jobs in one question.

create index ai_usage_created on ai_usage (created_at);

-- By p_by ('day' in p_zone, 'deal', 'operation' or 'model'), the most expensive first, days in their order; both days
-- count.
create function ai_cost_by(p_by text, p_zone text, p_first date, p_last date, p_limit integer) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(to_jsonb(cost) order by (case p_by when 'day' then key end), cost_usd desc, key), '[]')
  from (
    select
      case p_by
        when 'day' then (created_at at time zone p_zone)::date::text
        when 'deal' then deal_id::text
        when 'operation' then operation
        else model
      end as key,
      count(*) as calls, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
      sum(cost_usd) as cost_usd
    from ai_usage
    where created_at >= p_first::timestamp at time zone p_zone
      and created_at < (p_last + 1)::timestamp at time zone p_zone
    group by 1
    order by sum(cost_usd) desc, 1
    limit p_limit
  ) cost;
$$;

-- Since the ledger begins, by operation, engine and model.
create function ai_totals() returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(to_jsonb(total) order by operation, engine, model), '[]')
  from (
    select operation, engine, model, count(*) as calls,
      sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
      sum(cost_usd) as cost_usd
    from ai_usage
    group by operation, engine, model
  ) total;
$$;

-- What each of these deals has spent since its own moment, beside its own budget: [{"deal_id", "since"}].
create function ai_spending_of(p_deals jsonb) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'deal_id', asked.deal_id,
    'budget_usd', (select ai_daily_budget_usd from deals where id = asked.deal_id),
    'spent_usd', (
      select coalesce(sum(cost_usd), 0) from ai_usage where deal_id = asked.deal_id and created_at >= asked.since
    )
  )), '[]')
  from jsonb_to_recordset(p_deals) as asked (deal_id uuid, since timestamptz);
$$;

-- Which of these have no brief, though the deal was there when it was due: [{"deal_id", "date", "due"}].
create function briefs_missing(p_expected jsonb) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(expected.deal_id order by expected.deal_id), '[]')
  from jsonb_to_recordset(p_expected) as expected (deal_id uuid, date date, due timestamptz)
  join deals on deals.id = expected.deal_id
  where deals.created_at <= expected.due
    and not exists (select from briefs where deal_id = expected.deal_id and brief_date = expected.date);
$$;

-- Asks for those operations whose subject is there, in the deal they name, and of active deals where it is a brief.
-- Returns, for each in its place, the subject's deal and whether that is active; null where there is no such thing.
create function ask_known_operations(p_operations jsonb default '[]') returns jsonb
language plpgsql set search_path from current as $$
declare
  told jsonb;
  known jsonb;
begin
  with asked as (
    select each.value as operation, each.ordinality as nr,
      (each.value ->> 'subject_id')::uuid as id, each.value ->> 'subject_type' as type
    from jsonb_array_elements(p_operations) with ordinality each
  ), found as (
    select asked.*, deals.id as its_deal, coalesce(deals.status, '') = 'active' as is_active
    from asked
    left join lateral (
      select deal_id from documents where asked.type = 'document' and id = asked.id and storage_key is not null
      union all
      select deal_id from emails where asked.type = 'email' and id = asked.id and storage_key is not null
      union all
      select deal_id from sources where asked.type = 'source' and id = asked.id
      union all
      select deal_id from deliveries where asked.type = 'delivery' and id = asked.id
      union all
      select asked.id where asked.type in ('brief', 'report')
    ) subject on true
    left join deals on deals.id = subject.deal_id
  )
  select
    coalesce(jsonb_agg(
      case when its_deal is null then null
        else jsonb_build_object('deal_id', its_deal, 'is_active', is_active)
      end order by nr
    ), '[]'),
    coalesce(jsonb_agg(operation order by nr) filter (
      where its_deal = (operation ->> 'deal_id')::uuid and (is_active or type <> 'brief')
    ), '[]')
  into told, known from found;
  perform ask_operations(known);
  return told;
end
$$;

do $$
declare
  its_role text;
  its_function regprocedure;
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'ai_cost_by', 'ai_totals', 'ai_spending_of', 'briefs_missing', 'ask_known_operations'
    )
  );
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
      if its_role = 'service_role' then
        execute format('grant execute on function %s to service_role', its_function);
      end if;
    end loop;
  end loop;
end
$$;
