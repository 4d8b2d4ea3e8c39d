-- Who may see and do what. Members of a deal read what belongs to it; only the service role writes or calls functions.
-- Only tables with the comment "dealpulse" (made by 001_foundation.sql, with row level security on) are touched: the
-- app's own stay as they are.

-- Runs as its owner, so that it works whatever policies deal_members has, and never asks itself for permission.
create function my_deal_ids() returns setof uuid
language plpgsql stable security definer set search_path from current as $$
begin
  return query select m.deal_id from deal_members m where m.user_id = auth.uid();
end
$$;

create function pg_temp.is_ours(p_table text) returns boolean
language sql as $$
  select coalesce(obj_description(to_regclass(p_table), 'pg_class') = 'dealpulse', false);
$$;

do $$
declare
  its_name text;
begin
  if pg_temp.is_ours('deals') then
    create policy "members read their deals" on deals for select to public
      using (id in (select my_deal_ids()));
  end if;
  foreach its_name in array array['deal_members', 'sources', 'documents', 'findings', 'emails', 'blockers', 'briefs'] loop
    if pg_temp.is_ours(its_name) then
      execute format(
        'create policy "members read what belongs to their deals" on %I for select to public'
        ' using (deal_id in (select my_deal_ids()))', its_name
      );
    end if;
  end loop;
end
$$;

-- Looked up with the reader's own rights on documents and e-mails, so whoever may not see those sees none of these.
create policy "whoever reads the document reads its pages" on document_pages for select to public
  using (exists (select from documents d where d.id = document_id and d.deal_id in (select my_deal_ids())));
create policy "members read what belongs to their deals" on finding_citations for select to public
  using (exists (select from findings f where f.id = finding_id));
create policy "members read what belongs to their deals" on blocker_mentions for select to public
  using (exists (select from blockers b where b.id = blocker_id));

-- Table and function rights, for those of Supabase's roles that exist. Its default privileges hand out everything.
do $$
declare
  its_name text;
  its_role text;
  readable constant text[] := array[
    'deals', 'deal_members', 'documents', 'document_pages', 'findings', 'finding_citations', 'emails', 'blockers',
    'blocker_mentions', 'briefs'
  ];
  ours constant text[] := readable || array['sources', 'ai_usage', 'ai_cache', 'processing_operations'];
  functions constant regprocedure[] := array(
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.proname in (
      'refuse_missing', 'lock_deal', 'ask_operations', 'mark_operation', 'mark_operations_queued', 'touch_operations',
      'operation_as_json', 'stale_operations', 'deal_operations', 'settle_findings', 'settle_blockers',
      'withdraw_citations', 'withdraw_mentions', 'deal_findings', 'deal_blockers', 'create_document',
      'save_document_content', 'fail_document', 'save_document_analysis', 'create_email', 'save_email_content',
      'fail_email', 'save_email_analysis', 'source_versions', 'delete_items', 'save_source_page', 'source_readings',
      'save_source_documents', 'save_source_emails', 'finish_source_sync', 'add_deal_member'
    )
  );
  its_function regprocedure;
begin
  foreach its_function in array functions loop
    execute format('revoke execute on function %s from public', its_function);
  end loop;
  revoke execute on function my_deal_ids() from public;

  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('grant usage on schema %I to %I', current_schema(), its_role);
    foreach its_name in array ours loop
      if pg_temp.is_ours(its_name) then
        execute format('revoke all on %I from %I', its_name, its_role);
        if its_role = 'service_role' then
          execute format('grant select, insert, update, delete on %I to service_role', its_name);
        elsif its_role = 'authenticated' and its_name = any (readable) then
          execute format('grant select on %I to authenticated', its_name);
        end if;
      end if;
    end loop;
    foreach its_function in array functions loop
      execute format('revoke execute on function %s from %I', its_function, its_role);
      if its_role = 'service_role' then
        execute format('grant execute on function %s to service_role', its_function);
      end if;
    end loop;
    execute format('revoke execute on function my_deal_ids() from %I', its_role);
    if its_role <> 'anon' then
      execute format('grant execute on function my_deal_ids() to %I', its_role);
    end if;
    if its_role = 'authenticated' then
      -- All but the cursor, in which some vendors' tokens travel.
      grant select (id, deal_id, type, name, location, state, last_synced_at, last_error, created_at, updated_at)
        on sources to authenticated;
    end if;
  end loop;
end
$$;

drop function pg_temp.is_ours(text);
