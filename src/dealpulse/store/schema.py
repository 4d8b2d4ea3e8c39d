"""What this version needs of the database, and what of it is missing; asked through PostgREST alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from dealpulse.errors import Permanent
from dealpulse.store.database import Database
from dealpulse.store.migrate import packaged_migrations

NEEDED: Final[Mapping[str, str]] = {
    "deals": "id name status time_zone created_at updated_at ai_daily_budget_usd",
    "deal_members": "deal_id user_id role",
    "connections": "id deal_id provider account sealed_tokens state created_at updated_at",
    "sources": (
        "id deal_id type name location state cursor last_synced_at last_error skipped created_at updated_at"
        " connection_id listing gone access"
    ),
    "source_subscriptions": (
        "id source_id source external_id resource secret_sha256 expires_at wanted due_at claim failures last_error"
        " created_at updated_at"
    ),
    "source_folders": "source_id external_id parent_id name target_id listed seen_in_sync",
    "emails": (
        "id deal_id source_id external_id source_version seen_in_sync name path content_hash storage_key size_bytes"
        " web_link state failure_code failure_reason message_id in_reply_to thread_key subject sender_address"
        " to_addresses cc_addresses sent_at body_text full_text calendar_events ai_sentiment ai_origin created_at"
        " updated_at warnings source_folder_id source_gone_at"
    ),
    "documents": (
        "id deal_id source_id external_id source_version seen_in_sync email_id name path mime_type size_bytes"
        " content_hash storage_key web_link state failure_code failure_reason page_count ai_summary ai_classification"
        " ai_origin created_at updated_at parent_id reading_of source_folder_id source_gone_at"
    ),
    "document_versions": (
        "document_id number name mime_type size_bytes content_hash storage_key page_count summary classification origin"
        " replaced_at"
    ),
    "document_pages": "document_id number kind text char_start char_end label method confidence rotation warnings",
    "findings": (
        "id deal_id fingerprint category severity action title explanation status origin first_seen_at updated_at"
        " terms review corrections changed_at"
    ),
    "finding_citations": (
        "document_id email_id position finding_id page quote char_start char_end verification category severity action "
        "title explanation origin"
    ),
    "blockers": (
        "id deal_id fingerprint email_id title owner due_date needed_action opened_on status page quote char_start"
        " char_end verification origin created_at updated_at thread_key terms review reviewed_at corrections"
    ),
    "blocker_mentions": (
        "email_id position blocker_id title owner due_date needed_action opened_on status page quote char_start"
        " char_end verification origin"
    ),
    "feedback": "id deal_id finding_id blocker_id verdict corrections reason author created_at",
    "briefs": "id deal_id brief_date status markdown html content origin created_at updated_at",
    "ai_usage": (
        "id deal_id document_id email_id operation engine model confidence input_tokens output_tokens"
        " cache_read_tokens cache_write_tokens cost_usd duration_ms request_id stop_reason created_at"
    ),
    "ai_cache": "key value operation model created_at",
    "processing_operations": (
        "subject_type subject_id operation deal_id state asked_again error_code error_message asked_at changed_at"
    ),
    "api_tokens": "id name scope token_sha256 created_at expires_at revoked_at last_used_at",
    "audit_log": "id at actor action target outcome peer request_id",
    "deferred_operations": "subject_type subject_id operation deal_id due_at",
    "recipients": "id deal_id channel address kinds secret state created_at",
    "report_schedules": "id deal_id kind cron time_zone state asked_until created_at",
    "reports": "id deal_id kind report_date status headline markdown html csv content created_at updated_at",
    "deliveries": (
        "id deal_id recipient_id kind subject state attempts error_code error_message created_at delivered_at"
    ),
    "dealpulse_migrations": "name sha256 applied_at",
}
"""Table to its columns, separated by spaces."""


_LOOK_AGAIN_SECONDS: Final = 0.05
_LAST_FUNCTION: Final = "ask_known_operations"
"""Made by the last file: where PostgREST knows it, it knows all before it."""


class _Applied(Struct):
    name: str


async def gaps(database: Database) -> list[str]:
    """One sentence a missing table, column, migration or function."""
    missing: list[str] = []
    for table, columns in NEEDED.items():
        if await _has(database, table, columns.split()):
            continue
        if not await _has(database, table, ["*"]):
            missing.append(f"Table {table} is missing.")
            continue
        missing += [
            f"Column {table}.{column} is missing."
            for column in columns.split()
            if not await _has(database, table, [column])
        ]
    return missing or await _unapplied(database)


async def wait_for_schema(database: Database, *, seconds: float) -> list[str]:
    """Wait until PostgREST has noticed the migrations, at most ``seconds``; returns the gaps that remain then."""
    deadline = time.monotonic() + seconds
    while True:
        missing = await gaps(database)
        if not missing or time.monotonic() >= deadline:
            return missing
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _unapplied(database: Database) -> list[str]:
    applied = await database.rows(database.client.table("dealpulse_migrations").select("name"), _Applied)
    names = {one.name for one in applied}
    missing = [f"Migration {one.name} is not applied." for one in packaged_migrations() if one.name not in names]
    if not missing and not await _known(database.perform(_LAST_FUNCTION)):
        missing.append(f"Function {_LAST_FUNCTION} is missing.")
    return missing


async def _has(database: Database, table: str, columns: Sequence[str]) -> bool:
    return await _known(database.write(database.client.table(table).select(",".join(columns)).limit(0)))


async def _known(question: Awaitable[object]) -> bool:
    try:
        await question
    except Permanent as error:
        if error.code == "schema_outdated":
            return False
        raise
    return True
