"""The embedded stack: a real Redis, Postgres and PostgREST, and a gateway that speaks Supabase, on this machine."""
