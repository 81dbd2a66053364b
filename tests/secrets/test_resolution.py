from __future__ import annotations

import json
import logging

import pytest

from coupler.errors import InputError, SecretsUnavailable
from coupler.secrets import NOTHING_TO_MASK, BareReferences, Secrets, SecretScope
from coupler.secrets.resolution import MAX_DEPTH, references

SCOPE = SecretScope(tenant_id="<default>", process_id="order", process_definition_key=1, element_id="call")


class Known:
    name = "known"

    def __init__(self, **values: str) -> None:
        self.values = {name.replace("__", "."): value for name, value in values.items()}
        self.asked: list[str] = []
        self.closed = False

    async def get(self, name: str, scope: SecretScope) -> str | None:
        self.asked.append(name)
        return self.values.get(name)

    async def close(self) -> None:
        self.closed = True


class Down(Known):
    async def get(self, name: str, scope: SecretScope) -> str | None:
        raise SecretsUnavailable("The vault is sealed.")


class Only:
    """A filter that knows one list for all elements."""

    def __init__(self, *names: str) -> None:
        self.names = frozenset(names)

    async def allowed(self, scope: SecretScope) -> frozenset[str] | None:
        return self.names


async def resolved(text: str, mode: BareReferences = BareReferences.KNOWN, **values: str) -> str:
    return (await Secrets([Known(**values)], mode).resolve(text, SCOPE)).text


async def test_text_without_references_comes_back_as_it_is() -> None:
    provider = Known(A="x")
    text = '{"a": 1}'

    answer = await Secrets([provider]).resolve(text, SCOPE)

    assert answer.text is text
    assert answer.masker is NOTHING_TO_MASK
    assert provider.asked == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":"{{secrets.A}}"}', '{"a":"x"}'),
        ('{"a":"{{ secrets.A }}"}', '{"a":"x"}'),
        ('{"a":"Bearer {{secrets.A}}!"}', '{"a":"Bearer x!"}'),
        ('{"{{secrets.A}}":1}', '{"x":1}'),
        ('{"a":{{secrets.N}}}', '{"a":42}'),
        ('{"a":"{{secrets.A}}{{secrets.N}}"}', '{"a":"x42"}'),
        ('{"a":"{{secrets.a:b/c}}"}', '{"a":"odd"}'),
        ('{"a":"{{secrets. }}"}', '{"a":"{{secrets. }}"}'),
        ('{"a":"secrets.A"}', '{"a":"x"}'),
        ('{"a":"secrets.A."}', '{"a":"x."}'),
        ('{"a":"secrets._A"}', '{"a":"secrets._A"}'),
        ('{"a":"secrets..A"}', '{"a":"secrets..A"}'),
        ('{"a":"secrets.A A"}', '{"a":"x A"}'),
        ('{"a":"mysecrets.A"}', '{"a":"myx"}'),
        ('{"a":"camunda.secrets.A"}', '{"a":"camunda.secrets.A"}'),
    ],
)
async def test_references(text: str, expected: str) -> None:
    provider = Known(A="x", N="42")
    provider.values["a:b/c"] = "odd"

    answer = await Secrets([provider], BareReferences.ALL).resolve(text, SCOPE)

    assert answer.text == expected


async def test_a_no_break_space_is_part_of_a_name_as_in_java() -> None:
    with pytest.raises(InputError, match="'A\u00a0B'"):
        await resolved('{"a":"{{secrets.A\u00a0B}}"}')


@pytest.mark.parametrize("value", ['a"b', "line\nbreak", "back\\slash", "tab\tü€😀", "\u2028"])
async def test_values_are_escaped_for_json(value: str) -> None:
    text = await resolved('{"a":"{{secrets.A}}"}', A=value)

    assert json.loads(text) == {"a": value}


async def test_a_missing_secret_is_an_input_error_that_names_it() -> None:
    with pytest.raises(InputError, match=r"^Secret with name 'NOPE' is not available$"):
        await resolved('{"a":"{{secrets.NOPE}}"}', A="x")


async def test_an_unreachable_provider_is_not_a_missing_secret() -> None:
    with pytest.raises(SecretsUnavailable):
        await Secrets([Down()]).resolve('{"a":"{{secrets.A}}"}', SCOPE)


async def test_the_first_provider_that_knows_a_name_wins() -> None:
    first, second = Known(A="first"), Known(A="second", B="b")

    answer = await Secrets([first, second]).resolve("{{secrets.A}} {{secrets.B}}", SCOPE)

    assert answer.text == "first b"
    assert second.asked == ["B"]


async def test_a_name_is_asked_for_once() -> None:
    provider = Known(A="x")

    await Secrets([provider]).resolve("{{secrets.A}} {{secrets.A}} secrets.A", SCOPE)

    assert provider.asked == ["A"]


async def test_chained_references_resolve_through_both_forms() -> None:
    assert await resolved("{{secrets.A}}", A="{{secrets.B}}", B="{{secrets.C}}", C="end") == "end"
    assert await resolved("{{secrets.A}}", A="secrets.B", B="end") == "end"


async def test_a_circle_of_references_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"in a circle: A -> B -> A$"):
        await resolved("{{secrets.A}}", A="{{secrets.B}}", B="x{{secrets.A}}")


async def test_references_that_are_too_deep_are_an_input_error() -> None:
    chain = {f"S{depth}": f"{{{{secrets.S{depth + 1}}}}}" for depth in range(MAX_DEPTH)}
    secrets = Secrets([Known(**chain, **{f"S{MAX_DEPTH}": "end"})])

    assert (await secrets.resolve("{{secrets.S1}}", SCOPE)).text == "end"
    with pytest.raises(InputError, match=rf"more than {MAX_DEPTH} deep: S0 -> S1"):
        await secrets.resolve("{{secrets.S0}}", SCOPE)


async def test_values_that_multiply_are_stopped() -> None:
    levels = {f"S{depth}": f"{{{{secrets.S{depth + 1}}}}}" * 100 for depth in range(4)}
    secrets = Secrets([Known(**levels, S4="x" * 100)])

    with pytest.raises(InputError, match="exceed"):
        await secrets.resolve("{{secrets.S0}}", SCOPE)


async def test_prose_is_left_alone_by_default_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    secrets = Secrets([Known(A="x")])
    text = '{"a":"ask secrets.office or use secrets.A"}'

    with caplog.at_level(logging.WARNING):
        answer = await secrets.resolve(text, SCOPE)
        await secrets.resolve(text, SCOPE)

    assert answer.text == '{"a":"ask secrets.office or use x"}'
    (message,) = caplog.messages
    assert message.startswith(
        "Element 'call' of process 'order': the input contains 'secrets.office', which no provider"
    )
    assert "Write {{secrets.office}} if" in message


async def test_mode_all_fails_on_prose_as_java_does() -> None:
    with pytest.raises(InputError, match="'office'"):
        await resolved("ask secrets.office", BareReferences.ALL)


async def test_mode_off_takes_only_braces() -> None:
    assert await resolved("{{secrets.A}} secrets.A", BareReferences.OFF, A="x") == "x secrets.A"
    assert await resolved("secrets.A", BareReferences.OFF, A="x") == "secrets.A"


async def test_a_name_that_the_filter_denies_stays_as_text_whole() -> None:
    # Given that A is a secret too, the denied {{secrets.A:B}} must not become "x:B}}"
    provider = Known(A="x", C="c")
    provider.values["A:B"] = "y"
    secrets = Secrets([provider], BareReferences.ALL, Only("A", "C"))

    answer = await secrets.resolve("{{secrets.A:B}} {{secrets.D}} secrets.D {{secrets.C}}", SCOPE)

    assert answer.text == "{{secrets.A:B}} {{secrets.D}} secrets.D c"


async def test_what_a_denied_name_is_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    secrets = Secrets([Known(A="x")], secret_filter=Only())

    for _ in range(2):
        assert (await secrets.resolve("{{secrets.A}}", SCOPE)).text == "{{secrets.A}}"

    (message,) = caplog.messages
    assert "the secret 'A' stands in the variables, but not in the element's own inputs" in message


async def test_what_a_secret_refers_to_needs_no_permission_of_its_own() -> None:
    secrets = Secrets([Known(A="{{secrets.B}}", B="b")], secret_filter=Only("A"))

    assert (await secrets.resolve("{{secrets.A}} {{secrets.B}}", SCOPE)).text == "b {{secrets.B}}"


async def test_what_is_inserted_is_not_looked_at_again() -> None:
    # Given a value that, beside its neighbour, looks like a reference
    assert await resolved("secrets.{{secrets.A}}", BareReferences.ALL, A="B", B="b") == "secrets.B"


async def test_the_masker_knows_all_values_that_were_inserted() -> None:
    answer = await Secrets([Known(A="{{secrets.B}}", B="hunter2")]).resolve("{{secrets.A}}", SCOPE)

    assert answer.masker.mask("password hunter2 refused") == "password *** refused"


def test_references_lists_names_of_both_forms() -> None:
    assert references("{{ secrets.A }} secrets.B/c {{secrets.D:E}} camunda.secrets.F") == {"A", "B/c", "D:E"}


async def test_close_closes_the_providers() -> None:
    provider = Known()
    await Secrets([provider]).close()
    assert provider.closed
