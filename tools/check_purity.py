#!/usr/bin/env python3
"""Fails if a library that must be pure refers to the world: clocks, randomness of its own, threads, sockets, files,
the environment, or changeable state of its own. usage: check_purity.py NM LIBRARY.a...

A protocol is told the time and given its randomness; the same inputs must give the same effects, on every machine.
What this cannot see (a walk over an unordered container, pointers as keys) the tests for equal traces do."""

import re
import subprocess
import sys

WORLD = re.compile(
    r"""
      std::chrono::.*::now\(\) | ^(clock_gettime|gettimeofday|time|clock|nanosleep|usleep|sleep|localtime\w*|gmtime\w*)$
    | std::random_device | ^(s?rand(om|48)?|drand48|getrandom|getentropy|arc4random\w*)$
    | std::thread | std::this_thread | std::mutex | std::condition_variable | ^(pthread|sem|mtx|thrd)_\w+$
    | ^(socket|bind|connect|listen|accept4?|send(to|msg)?|recv(from|msg)?|poll|select|epoll_\w+)$
    | ^(open|openat|fopen|freopen|read|write|fread|fwrite|close|unlink|rename|mkdir)(64)?$
    | std::basic_[io]?f(ile)?(stream|buf) | std::filesystem
    | ^(getenv|secure_getenv|system|fork|exec\w*|dlopen|signal|sigaction|kill)$
    | std::(cout|cerr|clog|cin)\b
    """,
    re.VERBOSE,
)
# Parts of the language's own support that an assertion or a container may need.
ALLOWED = re.compile(r"^(__assert_fail|abort)$")


def symbols(nm: str, library: str):
    """(name, section) of each symbol; the section of one that is only referred to is *UND*."""
    listing = subprocess.run([nm, "-C", "-f", "sysv", library], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        columns = line.rsplit("|", 6)  # a demangled name may hold bars itself
        if len(columns) == 7 and columns[2].strip() != "Class":
            yield columns[0].strip(), columns[6].strip()


# Sections that can be written to; .data.rel.ro is constant once the program has started.
# What a mere #include of <iostream> (cereal's) leaves in a file: it counts users of std::cout, and is none itself.
HARMLESS = re.compile(r"^(std::__ioinit$|DW\.ref\.|\.|__gcov|__asan|__ubsan|__odr_asan)")
CHANGEABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel\.ro)|^\*COM\*$")


def faults(nm: str, library: str):
    for name, section in symbols(nm, library):
        if section == "*UND*":
            if not ALLOWED.search(name) and WORLD.search(name):
                yield f"refers to {name}"
        elif CHANGEABLE.search(section) and not HARMLESS.search(name):
            yield f"keeps changeable state: {name}"


def main():
    nm, libraries = sys.argv[1], sys.argv[2:]
    if not libraries:
        sys.exit("check_purity.py: no library to look at")
    found = 0
    for library in libraries:
        seen = sum(1 for _ in symbols(nm, library))
        if seen == 0:
            print(f"{library}: no symbols, so nothing could be checked")
            found += 1
        for fault in sorted(set(faults(nm, library))):
            print(f"{library}: {fault}")
            found += 1
    if found:
        sys.exit(1)
    print(f"pure: {', '.join(l.rsplit('/', 1)[-1] for l in libraries)}")


main()
