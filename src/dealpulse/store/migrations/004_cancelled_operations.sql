-- Work that a person cancelled has ended: the sweep must not bring it back.

alter table processing_operations drop constraint processing_operations_state_check;
alter table processing_operations add constraint processing_operations_state_check
  check (state in ('pending', 'queued', 'running', 'done', 'failed', 'cancelled'));

create or replace function mark_operation(
  p_operation jsonb, p_state text, p_error_code text, p_error_message text
) returns void
language sql set search_path from current as $$
  insert into processing_operations as known
    (subject_type, subject_id, operation, deal_id, state, error_code, error_message)
  select told.subject_type, told.subject_id, told.operation, told.deal_id, p_state, p_error_code, p_error_message
  from jsonb_to_record(p_operation) as told (subject_type text, subject_id uuid, operation text, deal_id uuid)
  on conflict (subject_type, subject_id, operation) do update
  set state = case when known.asked_again and p_state in ('done', 'failed') then 'pending' else p_state end,
      asked_again = known.asked_again and p_state not in ('running', 'cancelled'),
      error_code = p_error_code, error_message = p_error_message, changed_at = now();
$$;
