"""Signed webhooks against a real receiver: what arrives, what answers mean, and where nothing may go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import RedirectResponse, Response

from dealpulse.delivery.contract import Addressee, Gone
from dealpulse.delivery.public_addresses import addresses_of, is_public
from dealpulse.delivery.webhook import Webhook, new_secret, open_webhook, signed_headers
from dealpulse.errors import DealPulseError, Permanent, Transient
from delivery.samples import ID, message
from fakes.receiver import Receiver, webhook_receiver

SECRET = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with open_webhook(allow_private=True, agent="dealpulse/test") as opened:
        yield opened


@pytest.fixture
async def strict() -> AsyncIterator[Webhook]:
    """As it is in production."""
    async with open_webhook(allow_private=False, agent="dealpulse/test") as opened:
        yield opened


async def _fault(webhook: Webhook, address: str) -> DealPulseError:
    with pytest.raises(DealPulseError) as refused:
        await webhook.send(message(), Addressee(address=address, secret=SECRET))
    return refused.value


async def test_what_arrives_can_be_verified_and_read(receiver: Receiver, webhook: Webhook) -> None:
    await webhook.send(message(), Addressee(address=receiver.url, secret=SECRET))
    (got,) = receiver.received
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["webhook-id"] == ID
    assert abs(int(got.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert got.headers["content-type"] == "application/json"
    event = json.loads(got.body)
    assert (event["type"], event["data"]["dealName"], event["data"]["status"]) == (
        "daily_brief",
        "Project Alder",
        "partial",
    )
    assert event["data"]["content"] == {"risks": []}
    assert event["data"]["markdown"] == "# Brief\n\nÄ long day.\n"


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    # From the reference implementations' tests.
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        now=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_same_delivery_tried_again_is_the_same_to_the_byte(receiver: Receiver, webhook: Webhook) -> None:
    for _ in range(2):
        await webhook.send(message(), Addressee(address=receiver.url, secret=SECRET))
    one, other = receiver.received
    assert (one.body, one.headers["webhook-id"]) == (other.body, other.headers["webhook-id"])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
async def test_a_receiver_in_trouble_is_tried_again(receiver: Receiver, webhook: Webhook, status: int) -> None:
    receiver.answers.append(status)
    fault = await _fault(webhook, receiver.url)
    assert type(fault) is Transient
    assert fault.retry_after is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_a_receiver_that_refuses_is_not_tried_again(receiver: Receiver, webhook: Webhook, status: int) -> None:
    receiver.answers.append(status)
    fault = await _fault(webhook, receiver.url)
    assert isinstance(fault, Permanent)
    assert str(status) in fault.message


async def test_a_receiver_that_is_gone_says_so(receiver: Receiver, webhook: Webhook) -> None:
    receiver.answers.append(410)
    assert isinstance(await _fault(webhook, receiver.url), Gone)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("7", 7, 7), ("Fri, 25 Nov 2039 13:00:00 GMT", 1e6, 1e9), ("Fri, 25 Nov 2016 13:00:00 GMT", 0, 0)],
)
async def test_a_receiver_may_say_when_to_come_back(
    receiver: Receiver, webhook: Webhook, header: str, low: float, high: float
) -> None:
    receiver.answers.append(Response(status_code=503, headers={"retry-after": header}))
    fault = await _fault(webhook, receiver.url)
    assert isinstance(fault, Transient)
    assert fault.retry_after is not None
    assert low <= fault.retry_after <= high


@pytest.mark.parametrize("header", ["soon", "-5", "٣"])
async def test_a_retry_after_that_makes_no_sense_is_none(receiver: Receiver, webhook: Webhook, header: str) -> None:
    answer = Response(status_code=503)
    answer.raw_headers.append((b"retry-after", header.encode()))
    receiver.answers.append(answer)
    fault = await _fault(webhook, receiver.url)
    assert isinstance(fault, Transient)
    assert fault.retry_after is None


async def test_a_redirect_is_not_followed(receiver: Receiver, webhook: Webhook) -> None:
    receiver.answers.append(RedirectResponse(f"{receiver.url}/elsewhere", status_code=307))
    assert isinstance(await _fault(webhook, receiver.url), Permanent)
    assert [got.path for got in receiver.received] == ["/hooks"]


async def test_nothing_a_receiver_answers_goes_to_the_next_one(receiver: Receiver, webhook: Webhook) -> None:
    receiver.answers.append(Response(status_code=204, headers={"set-cookie": "session=1; Path=/"}))
    for _ in range(2):
        await webhook.send(message(), Addressee(address=receiver.url, secret=SECRET))
    assert [got.headers.get("cookie") for got in receiver.received] == [None, None]


async def test_a_receiver_that_is_not_there_is_tried_again(webhook: Webhook, free_port: int) -> None:
    fault = await _fault(webhook, f"http://127.0.0.1:{free_port}/")
    assert (type(fault), fault.code) == (Transient, "webhook_unreachable")


async def test_a_name_that_nobody_knows_is_looked_up_again(webhook: Webhook) -> None:
    fault = await _fault(webhook, "https://receiver.invalid/")
    assert (type(fault), fault.code) == (Transient, "host_unresolved")


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fe80::1]/",
    ],
)
async def test_nothing_goes_to_an_address_that_is_not_public(strict: Webhook, address: str) -> None:
    fault = await _fault(strict, address)
    assert (isinstance(fault, Permanent), fault.code) == (True, "address_not_public")


@pytest.mark.parametrize(
    "address",
    ["http://receiver.example/", "ftp://receiver.example/", "https://user:pass@receiver.example/", "https://"],
)
async def test_only_plain_https_addresses_are_called(strict: Webhook, address: str) -> None:
    fault = await _fault(strict, address)
    assert (isinstance(fault, Permanent), fault.code) == (True, "wrong_address")


async def test_a_connection_goes_to_the_address_that_was_looked_at_under_the_receivers_name(
    receiver: Receiver, webhook: Webhook
) -> None:
    named = receiver.url.replace("127.0.0.1", "localhost")
    await webhook.send(message(), Addressee(address=named, secret=SECRET))
    assert receiver.received[0].headers["host"].startswith("localhost:")


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_not_public(address: IPv4Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(address)


@given(st.ip_addresses(v=4), st.sampled_from([0xFFFF << 32, 0, 0x64FF9B << 96]))
def test_an_ipv4_address_in_ipv6_clothes_is_not_public(address: IPv4Address, prefix: int) -> None:
    assert not is_public(IPv6Address(prefix + int(address)))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


async def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    with pytest.raises(Permanent):
        await addresses_of("localhost", 443, allow_private=False)
    assert await addresses_of("localhost", 443, allow_private=True)
