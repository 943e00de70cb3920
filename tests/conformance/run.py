"""Runs Autobahn's WebSocket cases (kosoku) against a server and compares them with the list of known deviations.

    run.py URL DEVIATIONS.toml REPORTS

Fails for a case that fails and is not listed, for a listed one that passes (a stale list), and for a listed one that does
not exist. Ends with one line of counts. The whole report, with wire logs, is written into the folder REPORTS.

Most cases have one second, which a busy machine may not give them: a surprise counts only if it happens again alone.
"""

import asyncio
import sys
import tomllib
from pathlib import Path

from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports


async def run(url: str, excluded: list[str], included: list[str] | None = None, concurrency: int = 4) -> list:
    try:
        return await run_fuzzingclient(url, included, excluded, concurrency=concurrency)
    except FailureError as failure:
        return failure.results


def cases_of(entries: list[dict]) -> dict[str, str]:
    return {case: entry["reason"].strip() for entry in entries for case in entry["cases"]}


def problem(result, reason: str | None) -> str | None:
    verdict = f"{result.case_id}: {result.behavior.value}, close {result.behavior_close.value}"
    if result.passed and reason:
        return f"{verdict}, but it is listed as a deviation: {reason}"
    if not result.passed and not reason:
        text = " ".join(result.description.split())
        return f"{verdict}\n    {text}\n    {result.result} {result.result_close}\n    {str(result.received)[:200]}"
    return None


def main(url: str, deviations: str, reports: str) -> int:
    lists = tomllib.loads(Path(deviations).read_text())
    reasons = cases_of(lists.get("deviation", []))
    excluded = list(cases_of(lists.get("excluded", [])))

    results = asyncio.run(run(url, excluded))
    write_reports(results, reports, produce_html=False)
    again = [result.case_id for result in results if problem(result, reasons.get(result.case_id))]
    second = asyncio.run(run(url, excluded, again, 1)) if again else []
    problems = list(filter(None, (problem(result, reasons.get(result.case_id)) for result in second)))
    problems += [f"{case}: listed, but there is no such case" for case in reasons.keys() - {r.case_id for r in results}]

    for text in problems:
        print(text)
    print(f"{len(results)} cases, {len(reasons)} deviate as listed, {len(again)} tried again, {len(problems)} problems")
    return 1 if problems or not results else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
