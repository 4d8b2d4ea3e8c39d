-- What a Supabase project has before any migration: its roles, its default grants, and the auth functions that row
-- level security policies call. Run as the superuser at every start; every statement may run again.
-- psql variables: schema, authenticator_password.

\set ON_ERROR_STOP on
set client_min_messages = warning;
begin;

do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator login noinherit;
  end if;
end
$$;
grant anon, authenticated, service_role to authenticator;
alter role authenticator password :'authenticator_password';
alter role authenticator set statement_timeout = '8s';
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';

create schema if not exists extensions;
create schema if not exists auth;
create schema if not exists :"schema";
grant usage on schema extensions, auth, public, :"schema" to anon, authenticated, service_role;
alter database postgres set search_path = "$user", public, extensions;

-- As on Supabase, what migrations create later is open to all three roles, and row level security decides.
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on routines to anon, authenticated, service_role;
alter default privileges in schema :"schema" grant all on tables to anon, authenticated, service_role;
alter default privileges in schema :"schema" grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema :"schema" grant all on routines to anon, authenticated, service_role;

create table if not exists auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  raw_user_meta_data jsonb not null default '{}',
  created_at timestamptz not null default now()
);
alter table auth.users enable row level security;

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
create or replace function auth.uid() returns uuid language sql stable as $$
  select (auth.jwt() ->> 'sub')::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$
  select auth.jwt() ->> 'role'
$$;
create or replace function auth.email() returns text language sql stable as $$
  select auth.jwt() ->> 'email'
$$;

-- PostgREST reads the schema once: tell it about every later change.
create or replace function extensions.reload_rest_schema() returns event_trigger language plpgsql as $$
begin
  notify pgrst, 'reload schema';
end
$$;
drop event trigger if exists reload_rest_schema_on_change;
create event trigger reload_rest_schema_on_change on ddl_command_end
  when tag in (
    'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'ALTER TABLE', 'CREATE VIEW', 'ALTER VIEW',
    'CREATE MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TYPE', 'ALTER TYPE', 'COMMENT'
  )
  execute function extensions.reload_rest_schema();
drop event trigger if exists reload_rest_schema_on_drop;
create event trigger reload_rest_schema_on_drop on sql_drop
  execute function extensions.reload_rest_schema();

commit;
