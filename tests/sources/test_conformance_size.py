"""What a source's size may cost, on every site."""

from __future__ import annotations

from sources.elsewhere import listed, read
from sources.rooms import Room
from sources.sites import Site


async def test_twenty_thousand_items_are_all_listed_soon_and_in_little_memory(room: Room, site: Site) -> None:
    site.grow(20_000)
    found = await listed(room)
    assert found.items == 20_000
    assert found.longest_cursor < 1000, "the position does not grow with the source"
    assert found.seconds < 20
    assert found.megabytes < 64


async def test_a_large_item_is_never_whole_in_memory(room: Room, site: Site) -> None:
    site.put("large.bin", bytes(range(256)) * (40 << 12))
    found = await read(room)
    assert found.size_bytes == 40 << 20
    assert found.megabytes < 20
