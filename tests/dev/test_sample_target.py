from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from coupler.dev.sample_target import TOKEN, SampleTarget


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with SampleTarget() as target, httpx.Client(base_url=target.address, trust_env=False) as client:
        yield client


def test_it_answers_as_the_demo_says(client: httpx.Client) -> None:
    order = {"customer": "Ada", "items": [{"price": 19.95, "quantity": 2}, {"price": 0.1, "quantity": 3}]}

    assert client.post("/orders", json=order).status_code == 401
    placed = client.post("/orders", json=order, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (placed.status_code, placed.json()) == (201, {"number": 1001, "customer": "Ada", "total": 40.2})
    assert client.get("/weather?city=Lisbon").json()["city"] == "Lisbon"
    assert [client.get("/flaky?id=a").status_code for _ in range(3)] == [503, 200, 200]
    assert client.get("/flaky?id=b").status_code == 503
    assert client.get("/customers/7").json() == {"code": "UNKNOWN_CUSTOMER", "id": "7"}
    assert client.get("/elsewhere").status_code == 404
    assert client.post("/broken", json={}).status_code == 500
