-- Tokens of the API, and what operators did. Nobody but the service role sees either.

create table api_tokens (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  scope text not null check (scope in ('read', 'enqueue', 'operate', 'admin')),
  token_sha256 text not null unique check (token_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on table api_tokens is 'dealpulse';

create table audit_log (
  id uuid primary key default gen_random_uuid(),
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  target jsonb not null default '{}',
  outcome text not null,
  peer text not null default '',
  request_id text not null default ''
);
comment on table audit_log is 'dealpulse';
create index audit_log_at on audit_log (at desc);

-- The token, if it is valid. That it was used is noted once a minute, so that a busy caller is not a write a request.
create function use_api_token(p_digest text) returns jsonb
language plpgsql set search_path from current as $$
declare
  known api_tokens;
begin
  select * into known from api_tokens
  where token_sha256 = p_digest and revoked_at is null and (expires_at is null or expires_at > now());
  if known.id is null then
    return '[]';
  end if;
  update api_tokens set last_used_at = now()
  where id = known.id and (last_used_at is null or last_used_at < now() - interval '1 minute');
  return jsonb_build_array(to_jsonb(known) - 'token_sha256');
end
$$;

alter table api_tokens enable row level security;
alter table audit_log enable row level security;

do $$
declare
  its_name text;
  its_role text;
begin
  revoke execute on function use_api_token(text) from public;
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    foreach its_name in array array['api_tokens', 'audit_log'] loop
      execute format('revoke all on %I from %I', its_name, its_role);
    end loop;
    execute format('revoke execute on function use_api_token(text) from %I', its_role);
    if its_role = 'service_role' then
      execute 'grant select, insert, update, delete on api_tokens to service_role';
      execute 'grant select, insert on audit_log to service_role';
      execute 'grant execute on function use_api_token(text) to service_role';
    end if;
  end loop;
end
$$;
