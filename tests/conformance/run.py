"""Runs Autobahn's WebSocket cases (kosoku) against a server and compares them with the list of known deviations.

    run.py URL DEVIATIONS.toml REPORTS

Fails for a case that fails and is not listed, for a listed one that passes (a stale list), and for a listed one that does
not exist. Ends with one line of counts. The whole report, with wire logs, is written into the folder REPORTS.
"""

import asyncio
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports


async def run(url: str, excluded: list[str]) -> list:
    try:
        return await run_fuzzingclient(url, None, excluded, concurrency=4)
    except FailureError as failure:
        return failure.results


def main(url: str, deviations: str, reports: str) -> int:
    listed = tomllib.loads(Path(deviations).read_text())
    reasons = {case: entry["reason"] for entry in listed.get("deviation", []) for case in entry["cases"]}
    results = asyncio.run(run(url, [case for entry in listed.get("excluded", []) for case in entry["cases"]]))
    write_reports(results, reports, produce_html=False)

    problems = []
    used = set()
    deviating = 0
    for result in results:
        patterns = [pattern for pattern in reasons if fnmatchcase(result.case_id, pattern)]
        used.update(patterns)
        verdict = f"{result.case_id}: {result.behavior.value} / close {result.behavior_close.value}"
        if result.passed and patterns:
            problems.append(f"{verdict}, but it is listed as a deviation: {reasons[patterns[0]]}")
        elif not result.passed and not patterns:
            text = " ".join(result.description.split())
            problems.append(f"{verdict}\n    {text}\n    {result.result} {result.result_close} {result.received!s:.200}")
        elif not result.passed:
            deviating += 1
    problems += [f"{pattern}: listed, but there is no such case" for pattern in reasons if pattern not in used]

    for problem in problems:
        print(problem)
    print(f"{len(results)} cases, {deviating} deviate as listed, {len(problems)} problems")
    return 1 if problems or not results else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
