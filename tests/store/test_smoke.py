async def test_smoke(store, deal):
    assert await store.deals.get(deal.id) == deal
    print(deal)
