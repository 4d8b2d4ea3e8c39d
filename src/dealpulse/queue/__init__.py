"""Redis, and nothing but Redis: how jobs are stored, claimed, finished and counted.

``docs/engine.md`` lists every key. Any Python program may enqueue with plain arq::

    pool = await dealpulse.queue.create_pool(settings.redis)
    await pool.enqueue_job("process_document", document_id, deal_id, "summarize", _queue_name=DOCUMENTS.key)
"""

from dealpulse.queue.client import Enqueued, JobView, QueueClient, QueueStats
from dealpulse.queue.connection import create_pool

__all__ = ["Enqueued", "JobView", "QueueClient", "QueueStats", "create_pool"]
