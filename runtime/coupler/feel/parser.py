"""Recursive descent over the tokens, one method a level of precedence.

The grammar is the one feel-scala accepts, which is a parsing expression grammar: an alternative that reads is kept,
and only one that fails gives way to the next. Where the DMN standard is wider (``list<Any>``, ``= 5`` as a test, typed
parameters) an expression is refused here as it is there. Long chains (``a + b + …``, ``else if``) are read in loops,
so that depth means nesting only.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, Final

from coupler.feel import nodes
from coupler.feel.cursor import Mismatch
from coupler.feel.lexer import END, NAME, NUMBER, Token, tokenize
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits
from coupler.feel.nodes import Node
from coupler.feel.terminals import Terminals
from coupler.feel.values import negated

_SIGNS: Final = frozenset(("+", "-"))
_FACTORS: Final = frozenset(("*", "/"))
_WORDS_OF_COMPARISON: Final = frozenset(("between", "instance", "in"))
_COMPARISONS: Final = frozenset(("=", "!=", "<", "<=", ">", ">="))
_INPUT_COMPARISONS: Final = frozenset(("<", "<=", ">", ">="))
_STARTS_INTERVAL: Final = frozenset(("(", "[", "]"))
_TYPES_OF_SEVERAL_WORDS: Final = (
    ("date", "and", "time"),
    ("date", "time"),
    ("days", "and", "time", "duration"),
    ("years", "and", "months", "duration"),
)


class Parser(Terminals):
    """Reads one text; ``expression`` and ``unary_tests`` are the two ways in."""

    __slots__ = ()

    def whole_expression(self) -> Node:
        """The text as one expression."""
        node = self.expression()
        self.expect_end("an operator or the end of the expression")
        return node

    def whole_unary_tests(self) -> Node:
        """The text as unary tests: ``-``, ``not(…)`` or a list of tests."""
        if self.at_symbol("-") and self.tokens[self.index + 1].kind == END:
            return nodes.UnaryTests((), negated=False)
        if self.at_word("not"):
            negated = self.attempt("negated tests", self._negated_tests)
            if negated is not None:
                return nodes.UnaryTests(negated, negated=True)
        tests = self.positive_tests()
        self.expect_end("',' or the end of the tests")
        return nodes.UnaryTests(tests, negated=False)

    def _negated_tests(self) -> tuple[Node, ...]:
        self.expect_word("not")
        tests = self._tests_in_brackets()
        self.expect_end("the end of the tests")
        return tests

    def expression(self) -> Node:
        """``if``, ``for``, ``some``, ``every`` or a disjunction."""
        self.enter()
        token = self.tokens[self.index]
        rule = self._keyword_rules.get(token.text) if token.kind == NAME else None
        node = rule(self) if rule is not None else self._disjunction()
        self.depth -= 1
        return node

    def _conditional(self) -> Node:
        branches: list[tuple[Node, Node]] = []
        position = self.tokens[self.index].start
        while self.at_word("if"):
            self.index += 1
            condition = self.expression()
            self.expect_word("then")
            branches.append((condition, self.expression()))
            self.expect_word("else")
        return nodes.If(tuple(branches), self.expression(), position)

    def _iteration(self) -> Node:
        position = self.tokens[self.index].start
        self.index += 1
        iterators = self._iterators()
        self.expect_word("return")
        return nodes.For(iterators, self.expression(), position)

    def _quantified(self) -> Node:
        every, position = self.token.text == "every", self.token.start
        self.index += 1
        iterators = self._iterators()
        self.expect_word("satisfies")
        return nodes.Quantified(every, iterators, self.expression(), position)

    def _iterators(self) -> tuple[tuple[str, Node], ...]:
        iterators = [self._iterator()]
        while self.accept(","):
            iterators.append(self._iterator())
        return tuple(iterators)

    def _iterator(self) -> tuple[str, Node]:
        name = self.name("the name of the iteration variable")
        self.expect_word("in")
        counting = self.attempt("counting", self._counting)
        return name, counting if counting is not None else self.value()

    def _counting(self) -> Node:
        low = self.sum()
        self.expect("..")
        return nodes.Counting(low, self.sum())

    def _disjunction(self) -> Node:
        first = self._conjunction()
        if not self.at_word("or"):
            return first
        items = [first]
        position = self.tokens[self.index].start
        while self.at_word("or"):
            self.index += 1
            items.append(self._conjunction())
        return nodes.Junction(decides=True, items=tuple(items), position=position)

    def _conjunction(self) -> Node:
        first = self._comparison()
        if not self.at_word("and"):
            return first
        items = [first]
        position = self.tokens[self.index].start
        while self.at_word("and"):
            self.index += 1
            items.append(self._comparison())
        return nodes.Junction(decides=False, items=tuple(items), position=position)

    def _comparison(self) -> Node:
        token = self.tokens[self.index]
        if token.kind == NAME and token.text in self._keyword_rules:
            self.lenient.append((token.start, f"feel-scala reads '{token.text}' behind 'and' or 'or' in brackets only"))
            return self.expression()
        if token.text in _INPUT_COMPARISONS:
            return self._input_comparison()
        if token.text in _STARTS_INTERVAL:
            left = self.attempt("sum", self.sum)
            if left is None:
                return self.interval(is_value=False)
        else:
            left = self.sum()
        return self._compared(left)

    def _compared(self, left: Node) -> Node:
        token = self.tokens[self.index]
        if token.text in _COMPARISONS:
            self.index += 1
            return nodes.Comparison(token.text, left, self.sum(), token.start)
        if token.kind == NAME and token.text in _WORDS_OF_COMPARISON:
            return self._word_comparison(left, token)
        return left

    def _word_comparison(self, left: Node, token: Token) -> Node:
        self.index += 1
        if token.text == "between":
            low = self.sum()
            self.expect_word("and")
            return nodes.Between(left, low, self.sum(), token.start)
        if token.text == "instance":
            self.expect_word("of")
            return nodes.InstanceOf(left, self._type_name())
        return nodes.In(left, self._tests_of_in(), token.start)

    def _type_name(self) -> str:
        for words in _TYPES_OF_SEVERAL_WORDS:
            following = self.tokens[self.index : self.index + len(words)]
            if tuple(token.text for token in following) == words:
                self.index += len(words)
                return " ".join(words)
        if self.at_word("function"):
            self.index += 1
            return "function"
        names = [self.name("a type, such as number, string, list, context or date and time")]
        while self.accept("."):
            names.append(self.name("a name"))
        return ".".join(names)

    def _tests_of_in(self) -> tuple[Node, ...]:
        if self.at_symbol("("):
            tests = self.attempt("tests", self._tests_in_brackets)
            if tests is not None:
                return tests
        return (self._positive_test(),)

    def _tests_in_brackets(self) -> tuple[Node, ...]:
        self.expect("(")
        tests = self.positive_tests()
        self.expect(")")
        return tests

    def positive_tests(self) -> tuple[Node, ...]:
        tests = [self._positive_test()]
        while self.accept(","):
            tests.append(self._positive_test())
        return tuple(tests)

    def _positive_test(self) -> Node:
        token = self.token
        if token.kind == NAME and token.text in ("true", "false") and self.tokens[self.index + 1].kind == END:
            # Anywhere else feel-scala reads it as an expression: one that is true passes for every input.
            self.index += 1
            return nodes.InputEquals(token.text == "true")
        if token.text in _INPUT_COMPARISONS:
            return self._input_comparison()
        if token.text in _STARTS_INTERVAL:
            interval = self.attempt("interval", self._test_interval)
            if interval is not None:
                return interval
        return self.expression()

    def _test_interval(self) -> Node:
        return self.interval(is_value=False)

    def _input_comparison(self) -> Node:
        token = self.tokens[self.index]
        self.index += 1
        return nodes.InputComparison(token.text, self.sum(), token.start)

    def sum(self) -> Node:
        """Addition and subtraction, and what binds tighter."""
        first = self._product()
        if self.tokens[self.index].text not in _SIGNS:
            return first
        rest: list[tuple[str, Node, int]] = []
        while (token := self.tokens[self.index]).text in _SIGNS:
            self.index += 1
            rest.append((token.text, self._product(), token.start))
        return nodes.Arithmetic(first, tuple(rest))

    def _product(self) -> Node:
        first = self._power()
        if self.tokens[self.index].text not in _FACTORS:
            return first
        rest: list[tuple[str, Node, int]] = []
        while (token := self.tokens[self.index]).text in _FACTORS:
            self.index += 1
            rest.append((token.text, self._power(), token.start))
        return nodes.Arithmetic(first, tuple(rest))

    def _power(self) -> Node:
        first = self._signed()
        if self.tokens[self.index].text != "**":
            return first
        rest: list[tuple[str, Node, int]] = []
        while (token := self.tokens[self.index]).text == "**":
            self.index += 1
            rest.append((token.text, self._signed(), token.start))
        return nodes.Arithmetic(first, tuple(rest))

    def _signed(self) -> Node:
        token = self.tokens[self.index]
        if token.text != "-":
            return self.value()
        self.index += 1
        number_is_signed = self.at_symbol("-") and self.tokens[self.index + 1].kind == NUMBER
        if number_is_signed:
            self.index += 1
        value = self.value()
        if type(value) is nodes.Literal and type(value.value) in (int, Decimal):
            return value if number_is_signed else nodes.Literal(negated(value.value))
        inner = nodes.Negation(value, token.start)
        return nodes.Negation(inner, token.start) if number_is_signed else inner

    _keyword_rules: ClassVar[dict[str, Callable[[Parser], Node]]] = {
        "if": _conditional,
        "for": _iteration,
        "some": _quantified,
        "every": _quantified,
    }


def parse(text: str, limits: Limits = DEFAULT) -> Node:
    """Reads an expression.

    Raises:
        FeelSyntaxError: when it cannot be read.
        LimitExceeded: when it is too long or nested too deeply.
    """
    return _read(text, limits, Parser.whole_expression)


def parse_leniently(text: str, limits: Limits = DEFAULT) -> tuple[Node, list[tuple[int, str]]]:
    """Reads an expression, and tells with offsets what feel-scala would refuse in it; errors as ``parse``."""
    lenient: list[tuple[int, str]] = []

    def whole(parser: Parser) -> Node:
        node = parser.whole_expression()
        lenient.extend(parser.lenient)
        return node

    return _read(text, limits, whole), lenient


def parse_unary_tests(text: str, limits: Limits = DEFAULT) -> Node:
    """Reads unary tests; errors as ``parse``."""
    return _read(text, limits, Parser.whole_unary_tests)


def _read(text: str, limits: Limits, rule: Callable[[Parser], Node]) -> Node:
    if len(text) > limits.text_length:
        raise LimitExceeded("text_length", limits.text_length)
    parser = Parser(text, tokenize(text), limits)
    try:
        return rule(parser)
    except Mismatch:
        raise parser.error() from None
    except RecursionError:
        raise LimitExceeded("nesting_depth", limits.nesting_depth) from None


__all__ = ["Parser", "parse", "parse_leniently", "parse_unary_tests"]
