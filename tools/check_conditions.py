#!/usr/bin/env python3
"""Fails if a source outside kernels/ is compiled in one way here and in another there: a preprocessor condition. usage:
check_conditions.py DIRECTORY...

What differs between machines is a file of its own that the build chooses, or a module that is loaded. #pragma once guards headers."""

import pathlib
import re
import sys

CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b", re.MULTILINE)


def main() -> int:
    found = 0
    for directory in sys.argv[1:]:
        sources = [p for p in pathlib.Path(directory).rglob("*") if p.suffix in (".cpp", ".hpp")]
        if not sources:
            print(f"{directory}: no sources")
            found += 1
        for path in sorted(sources):
            text = path.read_text()
            for match in CONDITION.finditer(text):
                print(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group().strip()}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
