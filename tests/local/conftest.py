"""What the tests of the embedded stack share."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from supabase import AsyncClient, create_async_client
from supabase.lib.client_options import AsyncClientOptions

from dealpulse.local.stack import Stack, running_stack


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for one test's own stack, which user nobody can reach too."""
    folder = Path(tempfile.mkdtemp(prefix="dealpulse-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _stopped_stack() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dealpulse-test-"))
    folder.chmod(0o711)
    with running_stack(folder, durable=False):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def used_dir(data_dir: Path, _stopped_stack: Path) -> Path:
    """A folder of one test's own in which a stack has run and stopped: it starts sooner than an empty one."""
    subprocess.run(["cp", "-a", f"{_stopped_stack}/.", str(data_dir)], check=True)
    return data_dir


@pytest.fixture
async def open_client() -> AsyncIterator[OpenClient]:
    """Opens supabase-py clients the way our services do, and closes them."""
    async with AsyncExitStack() as cleanup:
        yield OpenClient(cleanup)


class OpenClient:
    """`await open_client(stack, key)`: a client over one HTTP/1.1 pool."""

    def __init__(self, cleanup: AsyncExitStack) -> None:
        self._cleanup = cleanup

    async def __call__(self, stack: Stack, key: str, *, bearer: str | None = None) -> AsyncClient:
        http = await self._cleanup.enter_async_context(httpx.AsyncClient(timeout=10))
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        options = AsyncClientOptions(httpx_client=http, headers=headers)
        return await create_async_client(stack.supabase_url, key, options)


@pytest.fixture
async def service(clean_stack: Stack, open_client: OpenClient) -> AsyncClient:
    """A client with the service role on an empty stack."""
    return await open_client(clean_stack, clean_stack.service_role_key)
