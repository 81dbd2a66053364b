"""Help with misspelt names: the nearest known one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like ``name``, or ``None`` when nothing comes close."""
    import difflib  # only needed once something is wrong

    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence to append to an error text, with a leading blank; empty when nothing comes close."""
    candidate = nearest(name, known)
    return f" Did you mean {candidate!r}?" if candidate else ""
