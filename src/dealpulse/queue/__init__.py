"""Redis, and nothing but Redis: how jobs are stored, claimed, finished and counted.

``docs/engine.md`` lists every key. Any Python program may enqueue with plain arq::

    pool = await dealpulse.queue.create_pool(settings.redis)
    await pool.enqueue_job("process_document", document_id, deal_id, "summarize", _queue_name=DOCUMENTS.key)
"""

from dealpulse.queue.client import Batch, Debounce, QueueClient
from dealpulse.queue.connection import create_pool
from dealpulse.queue.events import Event, Events, Missed, Quiet
from dealpulse.queue.history import Buried, DeadGroup, DeadLetter, History, Kept, Letters, Page
from dealpulse.queue.metrics import Figures, Histogram, Interval, Metrics, Series, Unit
from dealpulse.queue.search import JobFilter, JobSearch, JobState
from dealpulse.queue.views import BatchView, Enqueued, Fault, JobView, LogLine, QueueStats, WorkerView

__all__ = [
    "Batch",
    "BatchView",
    "Buried",
    "DeadGroup",
    "DeadLetter",
    "Debounce",
    "Enqueued",
    "Event",
    "Events",
    "Fault",
    "Figures",
    "Histogram",
    "History",
    "Interval",
    "JobFilter",
    "JobSearch",
    "JobState",
    "JobView",
    "Kept",
    "Letters",
    "LogLine",
    "Metrics",
    "Missed",
    "Page",
    "QueueClient",
    "QueueStats",
    "Quiet",
    "Series",
    "Unit",
    "WorkerView",
    "create_pool",
]
