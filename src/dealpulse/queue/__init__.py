"""Redis, and nothing but Redis: how jobs are stored, claimed, finished and counted.

``docs/engine.md`` lists every key. Any Python program may enqueue with plain arq::

    pool = await dealpulse.queue.create_pool(settings.redis)
    await pool.enqueue_job("process_document", document_id, deal_id, "summarize", _queue_name=DOCUMENTS.key)
"""

from dealpulse.queue.client import Batch, Debounce, QueueClient
from dealpulse.queue.connection import create_pool
from dealpulse.queue.views import BatchView, Enqueued, Fault, JobView, QueueStats, WorkerView

__all__ = [
    "Batch",
    "BatchView",
    "Debounce",
    "Enqueued",
    "Fault",
    "JobView",
    "QueueClient",
    "QueueStats",
    "WorkerView",
    "create_pool",
]
