"""What the gateway's process is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GatewayConfig:
    """`opaque_keys` maps each `sb_...` key to the JWT it stands for; `durable` is about stored objects."""

    rest_url: str
    storage_dir: str
    jwt_secret: str
    opaque_keys: dict[str, str]
    durable: bool
