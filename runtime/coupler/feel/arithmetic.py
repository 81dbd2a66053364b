"""``+ - * / **`` over numbers, strings, dates, times and durations. None where the types do not fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel.limits import LimitExceeded
from coupler.feel.scope import Run
from coupler.feel.temporal import DAY_NANOS, Date, DateTime, DaysDuration, MonthsDuration, OutOfRange, Time
from coupler.feel.values import NUMBERS, is_local, number

_LARGEST_EXPONENT: Final = 10_000

# 34 significant digits, as java.math.MathContext.DECIMAL128 has them.
DECIMAL: Final = Context(
    prec=34, Emax=_LARGEST_EXPONENT, Emin=-_LARGEST_EXPONENT, traps=[DivisionByZero, InvalidOperation, Overflow]
)
LARGEST_INT: Final = 10**34


def _add_numbers(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    if type(left) is int and type(right) is int:
        total = left + right
        if -LARGEST_INT < total < LARGEST_INT:
            return total
    return DECIMAL.add(left, right)


def _subtract_numbers(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    if type(left) is int and type(right) is int:
        difference = left - right
        if -LARGEST_INT < difference < LARGEST_INT:
            return difference
    return DECIMAL.subtract(left, right)


def _multiply_numbers(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    if type(left) is int and type(right) is int:
        product = left * right
        if -LARGEST_INT < product < LARGEST_INT:
            return product
    return DECIMAL.multiply(left, right)


def _divide_numbers(left: int | Decimal, right: int | Decimal) -> int | Decimal | None:
    if not right:
        return None
    quotient = DECIMAL.divide(left, right)
    return int(quotient) if quotient.as_tuple().exponent == 0 else quotient


def _power_numbers(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    if right == int(right):
        exponent = int(right)
        if abs(exponent) > 999_999_999:
            raise FeelError(f"the exponent {right} is out of range")
        if not left:
            if exponent < 0:
                raise FeelError("0 cannot be raised to a negative power")
            return 0 if exponent else 1
        result = DECIMAL.power(left, exponent) if exponent else Decimal(1)
        return int(result) if result.as_tuple().exponent == 0 else result
    try:
        return from_double(math.pow(left, right))
    except (ValueError, OverflowError):
        raise FeelError(f"{left} ** {right} is not a number") from None


def from_double(value: float) -> Decimal:
    """The decimal that Java prints for a double, with its digits after the point.

    Raises:
        FeelError: for infinity and NaN, as feel-scala fails on them.
    """
    if not math.isfinite(value):
        raise FeelError(f"the result {value} is not a number")
    exact = Decimal(repr(value))
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return exact
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    stripped = digits
    while len(stripped) > 2 and stripped[-1] == 0:
        stripped = stripped[:-1]
    if len(stripped) == 1:
        return Decimal((sign, (*stripped, 0), exponent - 1))
    return Decimal((sign, stripped, exponent + len(digits) - len(stripped)))


def _plus(left: Any, right: Any) -> Any:
    """Time plus duration."""
    match left, right:
        case (DaysDuration(), DaysDuration()):
            return DaysDuration(left.nanos + right.nanos)
        case (MonthsDuration(), MonthsDuration()):
            return MonthsDuration(left.months + right.months)
        case (Time() | DateTime(), DaysDuration()):
            return left.plus_nanos(right.nanos)
        case (Date() | DateTime(), MonthsDuration()):
            return left.plus_months(right.months)
        case (Date(), DaysDuration()):
            return Date.of_epoch_day(left.epoch_day + right.nanos // DAY_NANOS)
        case _:
            return None


def _add(run: Run, left: Any, right: Any) -> Any:
    if type(left) is str and type(right) is str:
        run.check_string(len(left) + len(right))
        return left + right
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return _add_numbers(number(left), number(right))
    result = _plus(left, right)
    return result if result is not None else _plus(right, left)


def _negated(value: Any) -> Any:
    if type(value) is DaysDuration:
        return DaysDuration(-value.nanos)
    return MonthsDuration(-value.months) if type(value) is MonthsDuration else None


def _subtract(run: Run, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return _subtract_numbers(number(left), number(right))
    match left, right:
        case (Date(), Date()):
            return DaysDuration((left.epoch_day - right.epoch_day) * DAY_NANOS)
        case (DateTime(), DateTime()):
            return None if is_local(left) != is_local(right) else DaysDuration(left.epoch_nanos - right.epoch_nanos)
        case (Time(), Time()):
            return _between_times(left, right)
        case (Date(), DaysDuration()):
            return Date.of_epoch_day(left.epoch_day + -right.nanos // DAY_NANOS)
        case _:
            return _plus(left, _negated(right))


def _between_times(left: Time, right: Time) -> DaysDuration | None:
    if is_local(left) != is_local(right):
        return None
    # feel-scala gives the distance of times with an offset without a sign.
    distance = left.order - right.order
    return DaysDuration(distance if is_local(left) else abs(distance))


def _multiply(run: Run, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS:
        if type(right) in NUMBERS:
            return _multiply_numbers(number(left), number(right))
        left, right = right, left
    if type(right) not in NUMBERS:
        return None
    if type(left) is DaysDuration:
        return DaysDuration(left.nanos * int(right))
    return MonthsDuration(left.months * int(right)) if type(left) is MonthsDuration else None


def _divide(run: Run, left: Any, right: Any) -> Any:
    if type(right) in NUMBERS:
        if type(left) in NUMBERS:
            return _divide_numbers(number(left), number(right))
        return _divided_duration(left, number(right)) if right else None
    match left, right:
        case (DaysDuration(), DaysDuration()):
            return _whole(left.millis, right.millis) if right.nanos else None
        case (MonthsDuration(), MonthsDuration()):
            return _whole(left.months, right.months) if right.months else None
        case _:
            return None


def _whole(left: int, right: int) -> int | None:
    """Java's division of whole numbers."""
    if not right:
        return None
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divided_duration(left: Any, right: int | Decimal) -> Any:
    if type(left) is DaysDuration:
        return DaysDuration(int(DECIMAL.divide(left.millis, right)) * 1_000_000)
    return MonthsDuration(int(DECIMAL.divide(left.months, right))) if type(left) is MonthsDuration else None


def _power(run: Run, left: Any, right: Any) -> Any:
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        return None
    return _power_numbers(number(left), number(right))


def _guarded(operate: Callable[[Run, Any, Any], Any]) -> Callable[[Run, Any, Any], Any]:
    def guarded(run: Run, left: Any, right: Any) -> Any:
        try:
            result = operate(run, left, right)
        except Overflow:
            raise LimitExceeded("number_digits", min(run.limits.number_digits, _LARGEST_EXPONENT)) from None
        except (InvalidOperation, DivisionByZero, OutOfRange):
            return None
        if type(result) is Decimal:
            if not result:
                return result.copy_abs()  # Java's decimals know no -0
            if abs(result.adjusted()) > run.limits.number_digits:
                raise LimitExceeded("number_digits", run.limits.number_digits)
        return result

    return guarded


OPERATORS: Final[dict[str, Callable[[Run, Any, Any], Any]]] = {
    "+": _guarded(_add),
    "-": _guarded(_subtract),
    "*": _guarded(_multiply),
    "/": _guarded(_divide),
    "**": _guarded(_power),
}

__all__ = ["DECIMAL", "LARGEST_INT", "OPERATORS", "from_double"]
