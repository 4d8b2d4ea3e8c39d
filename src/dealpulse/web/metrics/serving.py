"""The endpoint itself. It takes a token with the scope read, unless ``METRICS_OPEN`` says that it takes none."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from dealpulse.web.metrics.families import ReadingCollector
from dealpulse.web.routing import ApiRequest, Endpoint, get


async def metrics(request: ApiRequest) -> Response:
    """Metrics of the whole deployment, and of this API process, for Prometheus."""
    registry = CollectorRegistry()
    registry.register(ReadingCollector(await request.state["metrics"].read()))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get("/metrics", metrics, also=("text/plain", "application/openmetrics-text")),
)
