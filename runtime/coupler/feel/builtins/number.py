"""Functions of numbers."""

from __future__ import annotations

import decimal
import math
import random
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel.arithmetic import DECIMAL, from_double
from coupler.feel.limits import LimitExceeded
from coupler.feel.registry import builtin
from coupler.feel.scope import Run
from coupler.feel.temporal import DaysDuration, MonthsDuration

_Number = int | Decimal
_MODES: Final = {
    "UP": decimal.ROUND_UP,
    "DOWN": decimal.ROUND_DOWN,
    "CEILING": decimal.ROUND_CEILING,
    "FLOOR": decimal.ROUND_FLOOR,
    "HALF_UP": decimal.ROUND_HALF_UP,
    "HALF_DOWN": decimal.ROUND_HALF_DOWN,
    "HALF_EVEN": decimal.ROUND_HALF_EVEN,
}
_UNNECESSARY: Final = "UNNECESSARY"


def _rounded(run: Run, value: _Number, scale: _Number, mode: str) -> _Number:
    places = int(scale)
    limit = run.limits.number_digits
    if places > limit:
        raise LimitExceeded("number_digits", limit)
    if places < -limit:
        return 0
    run.spend(1 + abs(places) // 10)
    exact = Decimal(value)
    context = Context(prec=max(1, exact.adjusted() + places + 2), rounding=mode, Emax=999_999, Emin=-999_999)
    result = exact.quantize(Decimal((0, (1,), -places)), context=context)
    if places == 0:
        return int(result)
    return result if result else result.copy_abs()


@builtin("decimal(n: number, scale: number)", "Rounded to so many places, half to even.")
def _decimal(run: Run, n: _Number, scale: _Number) -> _Number:
    return _rounded(run, n, scale, decimal.ROUND_HALF_EVEN)


@builtin(
    "decimal(n: number, scale: number, mode: string)", "Rounded by a mode of java.math.RoundingMode.", standard=False
)
def _decimal_by(run: Run, n: _Number, scale: _Number, mode: str) -> _Number | None:
    name = mode.upper()
    if name == _UNNECESSARY:
        exact = _rounded(run, n, scale, decimal.ROUND_DOWN)
        return exact if exact == n else None
    known = _MODES.get(name)
    return None if known is None else _rounded(run, n, scale, known)


def _rounding(mode: str) -> Callable[..., Any]:
    def rounding(run: Run, n: _Number, scale: _Number = 0) -> _Number:
        return _rounded(run, n, scale, mode)

    return rounding


builtin("floor(n: number[, scale: number])", "Rounded down.")(_rounding(decimal.ROUND_FLOOR))
builtin("ceiling(n: number[, scale: number])", "Rounded up.")(_rounding(decimal.ROUND_CEILING))
builtin("round up(n: number, scale: number)", "Rounded away from zero.")(_rounding(decimal.ROUND_UP))
builtin("round down(n: number, scale: number)", "Rounded towards zero.")(_rounding(decimal.ROUND_DOWN))
builtin("round half up(n: number, scale: number)", "Rounded, half away from zero.")(_rounding(decimal.ROUND_HALF_UP))
builtin("round half down(n: number, scale: number)", "Rounded, half towards zero.")(_rounding(decimal.ROUND_HALF_DOWN))


def _abs(value: Any) -> Any:
    if isinstance(value, DaysDuration):
        return DaysDuration(abs(value.nanos))
    return MonthsDuration(abs(value.months)) if isinstance(value, MonthsDuration) else _magnitude(value)


def _magnitude(value: _Number) -> _Number:
    # Python's abs() rounds decimals to 28 digits.
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


_MEASURE: Final = "number | days and time duration | years and months duration"
builtin(f"abs(number: {_MEASURE})", "Without its sign; of durations too.")(_abs)
builtin(f"abs(n: {_MEASURE})", "The same under the standard's parameter name.")(_abs)


@builtin("modulo(dividend: number, divisor: number)", "The remainder, with the sign of the divisor.")
def _modulo(dividend: _Number, divisor: _Number) -> _Number:
    if not divisor:
        raise FeelError("modulo: division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend % divisor
    remainder = _wide(dividend, divisor).remainder(Decimal(dividend), Decimal(divisor))
    if not remainder:
        return remainder.copy_abs()
    return DECIMAL.add(remainder, divisor) if (remainder < 0) != (divisor < 0) else remainder


def _wide(left: _Number, right: _Number) -> Context:
    """Room for the whole quotient, without which a remainder is refused."""
    digits = abs(Decimal(left).adjusted()) + abs(Decimal(right).adjusted()) + 80
    return Context(prec=min(digits, 40_000))


@builtin("sqrt(number: number)", "The square root; null of a negative number.")
def _sqrt(number: _Number) -> Decimal | None:
    return None if number < 0 else from_double(math.sqrt(number))


@builtin("log(number: number)", "The natural logarithm.")
def _log(number: _Number) -> Decimal:
    if number <= 0:
        raise FeelError(f"log: there is no logarithm of {number}")
    return from_double(math.log(number))


@builtin("exp(number: number)", "e to that power.")
def _exp(number: _Number) -> Decimal:
    try:
        return from_double(math.exp(number))
    except OverflowError:
        raise FeelError(f"exp: the result for {number} is too large") from None


@builtin("odd(number: number)", "Whether it is odd.")
def _odd(number: _Number) -> bool:
    return _remainder_of_two(number) == 1


@builtin("even(number: number)", "Whether it is even.")
def _even(number: _Number) -> bool:
    return _remainder_of_two(number) == 0


def _remainder_of_two(number: _Number) -> _Number:
    return abs(number) % 2 if isinstance(number, int) else _wide(number, 2).remainder(_magnitude(number), Decimal(2))


@builtin("random number()", "A number from 0 to below 1.", standard=False)
def _random_number() -> Decimal:
    return from_double(random.random())  # noqa: S311 - no secret is made of it
