"""Unmodified SDKs of others in Node, pointed at Rapport: what they sent is what is kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rapport.kernel.clock import from_iso
from rapport.kernel.facts import Fact
from tests.running import Server
from tests.stories.kept import facts_of, golden_record, quarantine_of, trait

pytestmark = pytest.mark.sdk

OF_SEGMENT = """
const { Analytics } = require('@segment/analytics-node');
const [writeKey, host, who] = process.argv.slice(1);
const problems = [];
const connect = (options = {}) => {
  const made = new Analytics({ writeKey, host, flushAt: 20, maxRetries: 2, ...options });
  made.on('error', (problem) => problems.push(String(problem.reason || problem.code)));
  return made;
};
const done = async (client) => {
  await client.closeAndFlush({ timeout: 20000 });
  console.log(JSON.stringify(problems));
};
"""

OF_RUDDERSTACK = """
const RudderAnalytics = require('@rudderstack/rudder-sdk-node');
const [writeKey, dataPlaneUrl, who] = process.argv.slice(1);
const problems = [];
const errorHandler = (problem) => problems.push(String(problem));
const connect = (options = {}) =>
  new RudderAnalytics(writeKey, { dataPlaneUrl, retryCount: 2, errorHandler, logLevel: 'none', ...options });
const done = async (client) => {
  await client.flush();
  console.log(JSON.stringify(problems));
};
"""
OF_JITSU = """
const { jitsuAnalytics } = require('@jitsu/js');
const [writeKey, host, who] = process.argv.slice(1);
const problems = [];
console.error = (problem) => problems.push(String(problem));
const connect = (options = {}) => jitsuAnalytics({ writeKey: `${writeKey}:secret`, host, ...options });
const done = async () => console.log(JSON.stringify(problems));
"""


@pytest.fixture
def run(node: str, node_modules: Path, shop_server: Server) -> Any:
    """Run JavaScript with the SDK connected to the server; answers the problems the SDK reported."""

    def run_script(script: str, who: str, *, write_key: str | None = None, connect: str = OF_SEGMENT) -> list[str]:
        arguments = [write_key or shop_server.write_key, shop_server.url, who]
        finished = subprocess.run(
            [node, "-e", connect + script, *arguments],
            cwd=node_modules.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
        problems: list[str] = json.loads(finished.stdout.splitlines()[-1])
        return problems

    return run_script


def kept(server: Server, person: str) -> list[Fact]:
    return [fact for fact in facts_of(server) if person in (fact.user_id, fact.anonymous_id)]


def test_all_six_calls_arrive_as_they_were_made(shop_server: Server, run: Any) -> None:
    script = """
    const client = connect();
    client.identify({ userId: who, traits: { email: `${who}@example.com`, name: 'Ada Lovelace' } });
    client.page({ userId: who, category: 'Wines', name: 'Chianti', properties: { url: 'https://shop.example/' } });
    client.screen({ userId: who, name: 'Basket' });
    client.group({ userId: who, groupId: 'household-7' });
    client.track({ userId: who, event: 'Order Completed', properties: { order_id: 'o-node', revenue: 36 },
                   context: { ip: '198.51.100.7' }, integrations: { All: true } });
    client.alias({ userId: who, previousId: `old-${who}` });
    done(client);
    """
    assert run(script, "ada-node") == []
    facts = {fact.name: fact for fact in kept(shop_server, "ada-node")}
    assert list(facts) == ["Identified", "Page Viewed", "Screen Viewed", "Group Joined", "Order Completed", "Aliased"]
    assert facts["Identified"].traits["name"] == "Ada Lovelace"
    assert (facts["Page Viewed"].title, facts["Page Viewed"].properties["category"]) == ("Chianti", "Wines")
    assert facts["Order Completed"].properties["revenue"] == 36
    assert facts["Order Completed"].context["ip"] == "198.51.100.7"
    assert facts["Order Completed"].integrations == {"All": True}
    assert facts["Aliased"].previous_id == "old-ada-node"
    assert facts["Order Completed"].context["library"]["name"] == "@segment/analytics-node"


def test_the_golden_record_shows_what_the_client_told(shop_server: Server, run: Any) -> None:
    script = """
    const client = connect();
    client.track({ anonymousId: `anon-${who}`, event: 'Product Viewed', properties: { product_id: 'p1' } });
    client.identify({ userId: who, anonymousId: `anon-${who}`, traits: { email: `${who}@example.com` } });
    client.track({ userId: who, event: 'Order Completed',
                   properties: { order_id: 'o-golden', revenue: 36, currency: 'GBP' } });
    done(client);
    """
    assert run(script, "golden-node") == []
    record = golden_record(shop_server, "user_id:golden-node", until=lambda r: trait(r, "orders") == 1)
    assert (trait(record, "orders"), trait(record, "product_views")) == (1, 1)
    assert {"namespace": "anonymous_id", "value": "anon-golden-node"} in record["identifiers"]


def test_times_and_message_ids_of_the_client_are_kept(shop_server: Server, run: Any) -> None:
    script = """
    const client = connect();
    for (let i = 0; i < 2; i++)
      client.track({ userId: who, event: 'Cart Viewed', messageId: 'node-fixed',
                     timestamp: new Date('2019-05-06T07:08:09.123Z') });
    done(client);
    """
    assert run(script, "past-node") == []
    (fact,) = kept(shop_server, "past-node")
    assert (fact.id, fact.occurred_at) == ("node-fixed", from_iso("2019-05-06T07:08:09.123Z"))


def test_a_thousand_calls_lose_none(shop_server: Server, run: Any) -> None:
    script = """
    const client = connect({ flushAt: 100, maxEventsInBatch: 100 });
    for (let i = 0; i < 1000; i++)
      client.track({ userId: who, event: 'Product Viewed', properties: { product_id: `p${i}` } });
    done(client);
    """
    assert run(script, "many-node") == []
    assert {f.properties["product_id"] for f in kept(shop_server, "many-node")} == {f"p{i}" for i in range(1000)}


def test_values_only_javascript_makes_are_kept_readable(shop_server: Server, run: Any) -> None:
    script = r"""
    const client = connect();
    client.track({ userId: who, event: 'Odd', properties: {
      cut: '\uD83C\uDF81 gift'.slice(0, 1), nan: NaN, infinite: Infinity, nothing: undefined,
      nul: 'a\u0000b', date: new Date(0) } });
    client.track({ userId: who, event: '   ' });
    client.track({ userId: who, event: 'After' });
    done(client);
    """
    assert run(script, "odd-node") == []
    odd, after = kept(shop_server, "odd-node")
    assert (odd.name, after.name) == ("Odd", "After")
    assert odd.properties == {
        "cut": "\ufffd", "nan": None, "infinite": None, "nul": "ab", "date": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip
    (aside,) = [row for row in quarantine_of(shop_server) if "odd-node" in row.text]
    assert aside.path == "$.event"


def test_a_wrong_key_is_told_and_nothing_is_kept(shop_server: Server, run: Any) -> None:
    script = "const client = connect(); client.track({ userId: who, event: 'Cart Viewed' }); done(client);"
    problems = run(script, "wrong-node", write_key="wk_wrong")
    assert len(problems) == 1
    assert kept(shop_server, "wrong-node") == []


def test_rudderstack_s_calls_arrive_as_they_were_made_and_none_is_lost(shop_server: Server, run: Any) -> None:
    script = """
    const client = connect({ flushAt: 100, flushInterval: 200 });
    client.identify({ userId: who, traits: { email: `${who}@example.com`, name: 'Ada Lovelace' } });
    client.page({ userId: who, name: 'Chianti', properties: { url: 'https://shop.example/' } });
    client.screen({ userId: who, name: 'Basket' });
    client.group({ userId: who, groupId: 'household-7' });
    client.track({ userId: who, event: 'Order Completed', properties: { order_id: 'o-rudder-node', revenue: 36 } });
    client.alias({ userId: who, previousId: `old-${who}` });
    for (let i = 0; i < 300; i++)
      client.track({ userId: who, event: 'Product Viewed', properties: { product_id: `p${i}` } });
    done(client);
    """
    assert run(script, "ada-rudder-node", connect=OF_RUDDERSTACK) == []
    facts = kept(shop_server, "ada-rudder-node")
    assert len(facts) == 306
    named = {fact.name: fact for fact in facts}
    assert named["Identified"].traits["name"] == "Ada Lovelace"
    assert named["Page Viewed"].title == "Chianti"
    assert named["Order Completed"].properties["revenue"] == 36
    assert named["Group Joined"].group_id == "household-7"
    assert named["Aliased"].previous_id == "old-ada-rudder-node"
    assert {f.properties["product_id"] for f in facts if f.name == "Product Viewed"} == {f"p{i}" for i in range(300)}


def test_rudderstack_s_client_is_told_of_a_wrong_key(shop_server: Server, run: Any) -> None:
    script = "const client = connect(); client.track({ userId: who, event: 'Cart Viewed' }); done(client);"
    (problem,) = run(script, "wrong-rudder", write_key="wk_wrong", connect=OF_RUDDERSTACK)
    assert "401" in problem
    assert kept(shop_server, "wrong-rudder") == []


@pytest.mark.parametrize("s2s", ["true", "false"], ids=["server to server", "as a browser"])
def test_jitsu_s_calls_arrive_as_they_were_made(shop_server: Server, run: Any, s2s: str) -> None:
    who = f"ada-jitsu-{s2s}"
    script = (
        f"const s2s = {s2s};"
        """
    (async () => {
      const client = connect({ s2s });
      await client.identify(who, { email: `${who}@example.com`, name: 'Ada Lovelace' });
      await client.page({ name: 'Chianti', url: 'https://shop.example/' });
      await client.track('Order Completed', { order_id: `o-${who}`, revenue: 36, currency: 'GBP' });
      await client.group('household-7', { name: 'Lovelace' });
      await done();
    })();
    """
    )
    assert run(script, who, connect=OF_JITSU) == []
    facts = kept(shop_server, who)
    assert [fact.name for fact in facts] == ["Identified", "Page Viewed", "Order Completed", "Group Joined"]
    assert (facts[0].traits["name"], facts[1].title, facts[3].group_id) == ("Ada Lovelace", "Chianti", "household-7")
    assert facts[2].properties == {"order_id": f"o-{who}", "revenue": 36, "currency": "GBP"}
    record = golden_record(shop_server, f"email:{who}@example.com", until=lambda r: trait(r, "orders") == 1)
    assert {"namespace": "user_id", "value": who} in record["identifiers"]
