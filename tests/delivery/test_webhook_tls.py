"""A connection goes to an address, and is believed only if its certificate is the name's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dealpulse.delivery.contract import Addressee
from dealpulse.delivery.webhook import Webhook, new_secret
from dealpulse.errors import Transient
from delivery.samples import message


def _certificate(name: str, folder: Path) -> Path:
    """Key and self-signed certificate of ``name`` in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@asynccontextmanager
async def _receiver(file: Path) -> AsyncIterator[int]:
    """The port of a receiver with that certificate, which takes whatever comes."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("certified", "taken"), [("localhost", True), ("elsewhere.example", False)])
async def test_the_certificate_must_be_that_of_the_receivers_name(tmp_path: Path, certified: str, taken: bool) -> None:
    file = _certificate(certified, tmp_path)
    trusting = ssl.create_default_context(cafile=str(file))
    async with _receiver(file) as port, httpx.AsyncClient(verify=trusting, trust_env=False) as http:
        sending = Webhook(http, allow_private=True, agent="dealpulse/test").send(
            message(), Addressee(address=f"https://localhost:{port}/", secret=new_secret())
        )
        if taken:
            await sending
        else:
            with pytest.raises(Transient) as refused:
                await sending
            assert refused.value.code == "webhook_unreachable"
