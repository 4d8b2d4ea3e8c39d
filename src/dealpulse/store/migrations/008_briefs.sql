-- The brief as a page to print, and what a source's syncs left out, which a brief names as not looked at.

alter table briefs add column if not exists html text not null default '';
alter table sources add column if not exists skipped jsonb not null default '[]';
