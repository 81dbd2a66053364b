"""What one evaluation may cost.

Every limit has a name, which is also its setting, and exceeding it is an error that says the name.

    limit                what it bounds                                                       default
    text_length          characters of an expression                                          100,000
    nesting_depth        brackets, branches and function bodies inside each other, when read  100
    call_depth           function calls inside each other, when run                           64
    steps                parts of the expression evaluated, items visited, text moved         1,000,000
    string_length        characters of a string that is made                                  4,000,000
    list_length          items of a list that is made                                         250,000
    number_digits        digits, and exponent, of a number that is made                       10,000
    result_size          values in a result, each counted as often as it appears              1,000,000
    pattern_size         parts of a regular expression, with its repetitions written out             5,000
    duration_seconds     wall-clock time of the evaluation                                    0.8
    regex_seconds        wall-clock time of one regular expression                            0.3
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from coupler.errors import FeelError


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of one evaluation; see the module's table."""

    text_length: int = 100_000
    nesting_depth: int = 100
    call_depth: int = 64
    steps: int = 1_000_000
    string_length: int = 4_000_000
    list_length: int = 250_000
    number_digits: int = 10_000
    result_size: int = 1_000_000
    pattern_size: int = 5_000
    duration_seconds: float = 0.8
    regex_seconds: float = 0.3

    @classmethod
    def for_loop(cls) -> Limits:
        """The budget on the event loop: about 10 ms, after which the evaluation is run again in a thread."""
        return _FOR_LOOP

    def on_loop(self) -> Limits:
        """These limits, as far as they are not above those on the event loop."""
        if self == DEFAULT:
            return _FOR_LOOP
        return replace(
            self,
            steps=min(self.steps, _FOR_LOOP.steps),
            result_size=min(self.result_size, _FOR_LOOP.result_size),
            duration_seconds=min(self.duration_seconds, _FOR_LOOP.duration_seconds),
            regex_seconds=min(self.regex_seconds, _FOR_LOOP.regex_seconds),
        )


class LimitExceeded(FeelError):
    """An evaluation asked for more than its budget; ``limit`` is the name of the field of ``Limits``."""

    def __init__(self, limit: str, allowed: float, detail: str = "") -> None:
        text = f"the expression exceeds the limit {limit} of {allowed:,}"
        super().__init__(f"{text}: {detail}" if detail else text)
        self.limit = limit
        self.allowed = allowed


DEFAULT = Limits()
_FOR_LOOP = Limits(steps=30_000, result_size=30_000, duration_seconds=0.02, regex_seconds=0.005)

__all__ = ["DEFAULT", "LimitExceeded", "Limits"]
