"""The innermost parts of an expression: literals, names, calls, lists, contexts, functions and intervals."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any, Final, cast

from coupler.feel import nodes
from coupler.feel.cursor import RESERVED, Cursor, Mismatch
from coupler.feel.lexer import END, NAME, NUMBER, QUOTED_NAME, STRING, Token, unquote
from coupler.feel.nodes import Node
from coupler.feel.registry import BUILTINS
from coupler.feel.temporal_text import TEMPORAL_LITERALS, temporal_literal

_A_VALUE: Final = "a value, such as a number, a \"text\", a name, '[' , '{' or '('"

# In front of '(' these words end a name that could otherwise be a function of several words.
_SEPARATING: Final = RESERVED | frozenset(
    ("and", "or", "then", "else", "return", "satisfies", "between", "instance", "of", "if", "for", "some", "every")
)
_PROPERTIES_OF_TWO_WORDS: Final = frozenset((("time", "offset"), ("start", "included"), ("end", "included")))
_NOT_IN_KEYS: Final = frozenset('"{},[]`')


class Terminals(Cursor):
    """The levels of the grammar from a value down."""

    __slots__ = ()

    @abstractmethod
    def expression(self) -> Node:
        """The level that everything in brackets is on."""

    @abstractmethod
    def sum(self) -> Node:
        """The level of the bounds of an interval."""

    def value(self) -> Node:
        """A terminal and the paths and filters chained to it."""
        start = self.index
        known = self.memo.get(start)
        if known is not None:
            self.index = known[1]
            return cast("Node", known[0])
        if ("value", start) in self.failed:
            raise Mismatch
        self.enter()
        try:
            node = self._chained(self._terminal(self.tokens[start]))
        except Mismatch:
            self.failed.add(("value", start))
            raise
        self.depth -= 1
        if self.index - start > 1:
            self.memo[start] = (node, self.index)
        return node

    def _chained(self, node: Node) -> Node:
        depth = self.depth
        while True:
            token = self.tokens[self.index]
            if token.text == "." and token.kind != STRING:
                self.index += 1
                node = self._member(node, token)
            elif token.text == "[" and token.kind != STRING:
                following = self.attempt("filter", self._filter)
                if following is None:  # an open interval may end here: ]1..x[
                    break
                self.enter()
                node = nodes.Filter(node, following, token.start)
            else:
                break
        self.depth = depth
        return node

    def _filter(self) -> Node:
        self.index += 1
        condition = self.expression()
        self.expect("]")
        return condition

    def _member(self, base: Node, token: Token) -> Node:
        position = self.tokens[self.index].start
        words = (self.tokens[self.index].text, self.tokens[min(self.index + 1, len(self.tokens) - 1)].text)
        if words in _PROPERTIES_OF_TWO_WORDS:
            self.index += 2
            name = " ".join(words)
        else:
            name = self.name("a name after '.'")
            if self.at_symbol("(") and isinstance(base, nodes.Name | nodes.Path):
                self.index += 1
                arguments, keywords = self._arguments()
                return nodes.MethodCall(base, name, arguments, keywords, position)
        if type(base) is nodes.Path:
            return nodes.Path(base.base, (*base.names, name), (*base.positions, position))
        return nodes.Path(base, (name,), (position,))

    def _terminal(self, token: Token) -> Node:
        match token.kind:
            case "name":
                return self._named(token)
            case "string":
                self.index += 1
                return nodes.Literal(unquote(token.text))
            case "number":
                self.index += 1
                return nodes.Literal(Decimal(token.text) if "." in token.text else int(token.text))
            case "quoted name":
                self.index += 1
                name = token.text[1:-1]
                return self._call(name, token.start) if self.at_symbol("(") else nodes.Name(name, token.start)
            case "symbol":
                return self._bracketed(token)
            case _:
                return self.fail("'\"' at the end of the text" if token.text == '"' else _A_VALUE)

    def _bracketed(self, token: Token) -> Node:
        match token.text:
            case "(":
                self.index += 1
                node = self.expression()
                self.expect(")")
                return node
            case "[":
                return self._list()
            case "{":
                return self._context()
            case "@":
                self.index += 1
                if not self.is_string():
                    self.fail("a date, time or duration in quotes after '@', such as @\"2024-02-29\"")
                text = unquote(self.token.text)
                self.index += 1
                return _temporal(text, temporal_literal(text), "date, time or duration", token.start)
            case "?":
                self.index += 1
                return nodes.InputValue(token.start)
            case _:
                return self.fail(_A_VALUE)

    def _list(self) -> Node:
        self.index += 1
        items: list[Node] = []
        if not self.accept("]"):
            items.append(self.expression())
            while self.accept(","):
                items.append(self.expression())
            if not self.at_symbol("]"):
                self.fail("',' or ']'")
            self.index += 1
        return nodes.ListOf(tuple(items))

    def _context(self) -> Node:
        self.index += 1
        entries: list[tuple[str, Node]] = []
        if not self.accept("}"):
            entries.append(self._entry())
            while self.accept(","):
                entries.append(self._entry())
            if not self.at_symbol("}"):
                self.fail("',' or '}'")
            self.index += 1
        return nodes.ContextOf(tuple(entries))

    def _entry(self) -> tuple[str, Node]:
        key = self._key()
        self.expect(":")
        return key, self.expression()

    def _key(self) -> str:
        token = self.tokens[self.index]
        if self.tokens[min(self.index + 1, len(self.tokens) - 1)].text == ":":
            if token.kind == STRING:
                self.index += 1
                return unquote(token.text)
            if token.kind in (NAME, QUOTED_NAME):
                self.index += 1
                return token.text[1:-1] if token.kind == QUOTED_NAME else token.text
        return self._raw_key(token)

    def _raw_key(self, first: Token) -> str:
        """A key is any text before the colon, with spaces and symbols, but without brackets, quotes and commas."""
        index = self.index
        while (token := self.tokens[index]).text != ":" or token.kind == STRING:
            if token.kind in (END, STRING, QUOTED_NAME) or token.text in _NOT_IN_KEYS:
                break
            index += 1
        if token.text != ":" or index == self.index:
            self.fail("a key and ':'")
        self.index = index
        return self.text[first.start : self.tokens[index - 1].end]

    def _named(self, token: Token) -> Node:
        if token.text in RESERVED:
            return self._reserved(token)
        words = self._function_words()
        if words:
            self.index += words
            return self._call(self.text[token.start : self.tokens[self.index - 1].end], token.start)
        self.index += 1
        return nodes.Name(token.text, token.start)

    def _reserved(self, token: Token) -> Node:
        match token.text:
            case "null":
                self.index += 1
                return nodes.Literal(None)
            case "true" | "false":
                self.index += 1
                return nodes.Literal(token.text == "true")
            case "function":
                return self._function()
            case _:
                return self.fail(_A_VALUE)

    def _function_words(self) -> int:
        """How many words from here are the name of a function that is called; 0 for a variable."""
        tokens = self.tokens
        index = self.index
        if tokens[index + 1].text == "(":
            return 1
        separated = False
        while tokens[index].kind == NAME:
            separated = separated or tokens[index].text in _SEPARATING
            if index > self.index and self.text[tokens[index - 1].end : tokens[index].start] != " ":
                return 0
            index += 1
        if index - self.index < 2 or tokens[index].text != "(":
            return 0
        if separated and self.text[tokens[self.index].start : tokens[index - 1].end] not in BUILTINS:
            return 0
        return index - self.index

    def _call(self, name: str, position: int) -> Node:
        self.expect("(")
        if name in TEMPORAL_LITERALS and self.is_string() and self.tokens[self.index + 1].text == ")":
            text = unquote(self.token.text)
            self.index += 2
            return _temporal(text, TEMPORAL_LITERALS[name](text), name, position)
        arguments, keywords = self._arguments()
        return nodes.Call(name, arguments, keywords, position)

    def _arguments(self) -> tuple[tuple[Node, ...], tuple[str, ...] | None]:
        """What follows '(' up to ')'."""
        if self.accept(")"):
            return (), None
        keywords: list[str] = []
        if self._at_keyword():
            arguments = [self._keyword_argument(keywords)]
            while self.accept(","):
                if not self._at_keyword():
                    self.fail("the name of a parameter and ':'")
                arguments.append(self._keyword_argument(keywords))
        else:
            arguments = [self._argument()]
            while self.accept(","):
                arguments.append(self._argument())
        if not self.at_symbol(")"):
            self.fail("',' or ')'")
        self.index += 1
        return tuple(arguments), tuple(keywords) or None

    def _at_keyword(self) -> bool:
        index = self.index
        if self.tokens[index].kind == QUOTED_NAME:
            return self.tokens[index + 1].text == ":"
        while self.tokens[index].kind == NAME:
            index += 1
        return index > self.index and self.tokens[index].text == ":"

    def _keyword_argument(self, keywords: list[str]) -> Node:
        words: list[str] = []
        while not self.accept(":"):
            words.append(self.token.text.strip("`"))
            self.index += 1
        keywords.append(" ".join(words))
        return self._argument()

    def _argument(self) -> Node:
        token = self.tokens[self.index]
        if token.text in ("(", "[", "]") and token.kind != STRING:
            interval = self.attempt("range", self._range)
            if interval is not None:
                return interval
        return self.expression()

    def _range(self) -> Node:
        return self.interval(is_value=True)

    def interval(self, *, is_value: bool) -> Node:
        """``[low..high]`` with any of the brackets."""
        position = self.tokens[self.index].start
        low_included = self.at_symbol("[")
        if not low_included and not self.at_symbol("(") and not self.at_symbol("]"):
            self.fail(_A_VALUE)
        self.index += 1
        low = self.sum()
        self.expect("..")
        high = self.sum()
        high_included = self.at_symbol("]")
        if not high_included and not self.at_symbol(")") and not self.at_symbol("["):
            self.fail("']' or ')' at the end of the range")
        self.index += 1
        return nodes.Interval(low, high, low_included, high_included, is_value, position)

    def _function(self) -> Node:
        self.index += 1
        self.expect("(")
        parameters: list[str] = []
        if not self.accept(")"):
            parameters.append(self._parameter())
            while self.accept(","):
                parameters.append(self._parameter())
            self.expect(")")
        if self.at_word("external") and self.tokens[self.index + 1].text == "{":
            self.fail("the body of the function (external functions are not available)")
        return nodes.FunctionOf(tuple(parameters), self.expression())

    def _parameter(self) -> str:
        words = [self.name("the name of a parameter")]
        while self.token.kind == NAME:
            words.append(self.name("',' or ')'"))
        return " ".join(words)


def _temporal(text: str, value: Any, kind: str, position: int) -> nodes.Literal:
    return nodes.Literal(value, position, f'"{text[:40]}" is no {kind}' if value is None else "")


__all__ = ["NUMBER", "Terminals"]
