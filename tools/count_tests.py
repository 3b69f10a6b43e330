#!/usr/bin/env python3
"""Adds up what Meson's test log says: the cases of each doctest program, and one for each other test.

    count_tests.py testlog.json [PASSED FAILED SKIPPED]

PASSED, FAILED and SKIPPED were counted before. The last line is "N passed, N failed[, N skipped]".
"""
import json
import re
import sys

CASES = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def count(test):
    """(passed, failed, skipped) of one program."""
    result = test.get("result", "")
    if result == "SKIP":
        return 0, 0, 1
    ok = result in ("OK", "EXPECTEDFAIL")
    cases = CASES.findall(COLOUR.sub("", test.get("stdout") or ""))
    if not cases:
        return (1, 0, 0) if ok else (0, 1, 0)
    passed, failed, skipped = (sum(int(case[i]) for case in cases) for i in (1, 2, 3))
    if not ok and failed == 0:
        failed = 1  # it crashed, or ran too long, after its last word
    return passed, failed, skipped


def main():
    path = sys.argv[1]
    passed, failed, skipped = (int(n) for n in sys.argv[2:5]) if len(sys.argv) > 4 else (0, 0, 0)
    programs = 0
    wrong = []
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                if not line.strip():
                    continue
                test = json.loads(line)
                programs += 1
                p, f, s = count(test)
                passed, failed, skipped = passed + p, failed + f, skipped + s
                if f:
                    wrong.append(test.get("name", "?"))
    except (OSError, ValueError) as error:
        print(f"count_tests: {path}: {error}", file=sys.stderr)
        failed += 1
    if programs == 0:
        print("count_tests: no test ran", file=sys.stderr)
        failed = max(failed, 1)
    if wrong:
        print("failed: " + ", ".join(wrong))
    sys.stdout.flush()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
