-- Which jobs a deal has, a page at a time: what is asked of it, the latest first.

create index processing_operations_by_deal on processing_operations
  (deal_id, asked_at desc, subject_type, subject_id, operation);
drop index processing_operations_deal;

create function deal_operations_page(
  p_deal_id uuid default null, p_states text[] default null, p_operation text default null,
  p_limit integer default 0, p_after jsonb default null
) returns jsonb
language sql stable set search_path from current as $$
  select coalesce(jsonb_agg(operation_as_json(o.it) || jsonb_build_object('asked_at', (o.it).asked_at) order by o.nr), '[]')
  from (
    select known as it, row_number() over (order by asked_at desc, subject_type, subject_id, operation) as nr
    from processing_operations known
    where deal_id = p_deal_id
      and (p_states is null or state = any (p_states))
      and (p_operation is null or operation = p_operation)
      and (
        p_after is null
        or asked_at < (p_after ->> 'asked_at')::timestamptz
        or (asked_at = (p_after ->> 'asked_at')::timestamptz
            and (subject_type, subject_id, operation)
              > (p_after ->> 'subject_type', (p_after ->> 'subject_id')::uuid, p_after ->> 'operation'))
      )
    order by asked_at desc, subject_type, subject_id, operation
    limit p_limit
  ) o;
$$;

do $$
declare
  its_role text;
begin
  revoke execute on function deal_operations_page(uuid, text[], text, integer, jsonb) from public;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke execute on function deal_operations_page(uuid, text[], text, integer, jsonb) from %I', its_role);
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    grant execute on function deal_operations_page(uuid, text[], text, integer, jsonb) to service_role;
  end if;
end
$$;
