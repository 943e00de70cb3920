"""Runs Autobahn's WebSocket cases (kosoku) against a server and compares them with the list of known deviations.

    run.py URL DEVIATIONS.toml REPORTS

A `deviation` has to fail, a `race` may fail or pass, every other case has to pass. A listed case that does not exist is a
problem too. Ends with one line of counts. The whole report, with wire logs, replaces the folder REPORTS.
"""

import asyncio
import shutil
import sys
import tomllib
from pathlib import Path

from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports


async def run(url: str, excluded: list[str]) -> list:
    try:
        return await run_fuzzingclient(url, None, excluded, concurrency=4)
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
    reasons, races = cases_of(lists.get("deviation", [])), cases_of(lists.get("race", []))
    excluded = list(cases_of(lists.get("excluded", [])))

    results = asyncio.run(run(url, excluded))
    shutil.rmtree(reports, ignore_errors=True)
    write_reports(results, reports, produce_html=False)
    judged = [result for result in results if result.case_id not in races]
    problems = list(filter(None, (problem(result, reasons.get(result.case_id)) for result in judged)))
    unknown = (reasons.keys() | races.keys()) - {result.case_id for result in results}
    problems += [f"{case}: listed, but there is no such case" for case in unknown]

    for text in problems:
        print(text)
    print(f"{len(results)} cases, {len(reasons)} deviate as listed, {len(races)} may, {len(problems)} problems")
    return 1 if problems or not results else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
