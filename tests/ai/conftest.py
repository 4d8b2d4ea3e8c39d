"""Claude's engine, connected to a fake site over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import anthropic
import pytest

from dealpulse.ai.claude import ClaudeEngine
from dealpulse.ai.connection import open_client
from dealpulse.health import Health
from dealpulse.settings import AiSettings, Secret
from fakes.claude import FAKE_KEY, FakeClaude, fake_claude


@pytest.fixture(scope="session")
def _site() -> Iterator[FakeClaude]:
    with fake_claude() as site:
        yield site


@pytest.fixture
def claude(_site: FakeClaude) -> FakeClaude:
    """A fake Claude API that nobody has talked to yet."""
    _site.forget()
    return _site


@pytest.fixture
def ai(claude: FakeClaude) -> AiSettings:
    """Settings that lead to the fake site."""
    return AiSettings(api_key=Secret(FAKE_KEY), base_url=claude.url, model="claude-sonnet-5-5", timeout=10.0)


@pytest.fixture
async def client(ai: AiSettings) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with open_client(ai, Secret(FAKE_KEY)) as client:
        yield client


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def engine(client: anthropic.AsyncAnthropic, health: Health) -> ClaudeEngine:
    return ClaudeEngine(client, model="claude-sonnet-5-5", timeout=10.0, health=health)
