"""The table at the end, with what is held."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from bench.scenarios import Figure

AT_MOST = {
    "start to first completed job": 0.8,
    "idle CPU": 0.5,
    "RSS idle": 100.0,
    "RSS peak": 130.0,
    "latency p50 at 50 jobs/s": 1.8,
    "latency p99 at 50 jobs/s": 4.0,
    "polling, 0 ms, CPU per 1,000 jobs": 0.5,
    "streaming, 0 ms, CPU per 1,000 jobs": 0.7,
}
AT_LEAST = {"500 jobs at 100 ms": 1200.0}


def medians(figures: Iterable[Figure]) -> list[Figure]:
    """One figure per name, in the order of their first appearance. Void runs count only when all are void."""
    by_name: dict[str, list[Figure]] = {}
    for figure in figures:
        by_name.setdefault(figure.name, []).append(figure)
    merged = []
    for name, all_runs in by_name.items():
        runs = [run for run in all_runs if not run.void] or all_runs
        merged.append(Figure(name, median(run.value for run in runs), runs[0].unit, runs[0].void))
    return merged


def table(figures: Iterable[Figure]) -> str:
    """Text with one line per figure: its value, what is held, and whether it is."""
    lines = [f"{'figure':42} {'median':>9} {'unit':7} {'goal':>9}  held"]
    for figure in figures:
        goal, held = _verdict(figure)
        lines.append(f"{figure.name:42} {figure.value:9.2f} {figure.unit:7} {goal:>9}  {held}".rstrip())
    return "\n".join(lines)


def _verdict(figure: Figure) -> tuple[str, str]:
    most, least = AT_MOST.get(figure.name), AT_LEAST.get(figure.name)
    if most is None and least is None:
        return "", f"void: {figure.void}" if figure.void else ""
    goal = f"<= {most:g}" if most is not None else f">= {least:g}"
    if figure.void:
        return goal, f"void: {figure.void}"
    held = figure.value <= most if most is not None else figure.value >= (least or 0)
    return goal, "yes" if held else "NO"
