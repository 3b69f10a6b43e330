#!/usr/bin/env python3
"""Event files for TensorBoard, read by a reader of our own: frames, checksums, fields; against metrics.jsonl of the same run. Also by tensorboard itself
where it is installed.
usage: event_files.py GRAPEVINE"""

import glob
import json
import os
import struct

from cases import check, expect, finish, write

world = """name = "t"
seed = 3
until = "3s"
[model]
kind = "quadratic"
dimension = 4
[exchange]
period = "200ms"
[[group]]
name = "g"
count = 4
"""


def crc32c(data):  # bit by bit, as RFC 3720 says it
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def fields(data):
    """(number, value) of a message; varints as numbers, the rest as bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        if size is None:
            assert key & 7 == 2, f"wire type {key & 7}"
            size = varint()
        assert at + size <= len(data), "a field that goes on behind its end"
        yield key >> 3, data[at:at + size]
        at += size


def read(path):
    """[(wall time, step, {tag: value})]"""
    with open(path, "rb") as file:
        data = file.read()
    events, at = [], 0
    while at < len(data):
        head = data[at:at + 8]
        length = struct.unpack("<Q", head)[0]
        assert struct.unpack("<I", data[at + 8:at + 12])[0] == masked(head), "the checksum of a length"
        body = data[at + 12:at + 12 + length]
        assert struct.unpack("<I", data[at + 12 + length:at + 16 + length])[0] == masked(body), "the checksum of an event"
        at += 16 + length
        event = dict(fields(body))
        values = {}
        for number, value in fields(event.get(5, b"")):
            assert number == 1
            one = dict(fields(value))
            values[one[1].decode()] = struct.unpack("<f", one[2])[0]
        events.append((struct.unpack("<d", event[1])[0], event.get(2, 0), values, event.get(3)))
    assert events[0][3] == b"brain.Event:2" and not events[0][2]
    return events[1:]


def only(directory):
    found = glob.glob(os.path.join(directory, "events.out.tfevents.*"))
    check(len(found) == 1, f"{directory} holds {found}")
    return found[0]


def same(events, metrics):
    with open(metrics) as file:
        samples = [json.loads(line) for line in file]
    check(len(events) == len(samples), f"{len(events)} events of {len(samples)} samples")
    for (when, step, values, _), sample in zip(events, samples):
        expected = {k: (v[0] if isinstance(v, list) else v) for k, v in sample.items() if v is not None and k not in ("t", "unix_time")}
        check(set(values) == set(expected), f"tags: {set(values) ^ set(expected)}")
        check(all(abs(values[k] - v) <= 1e-6 * abs(v) for k, v in expected.items()), f"{values} for {expected}")
        check(abs(when - (sample["unix_time"] or sample["t"])) < 1e-3, f"at {when}: {sample['t']}")
        check(not expected.get("steps") or step == expected["steps"], f"step {step}")


write("w.toml", world)
expect(0, ["sim", "w.toml", "--out", "run", "--tensorboard", "tb", "--quiet"])
events = read(only("tb"))
check(len(events) >= 4 and "consensus_distance" in events[-1][2], f"{events}")
same(events, "run/metrics.jsonl")
expect(0, ["report", "run", "--tensorboard", "again"])
check(read(only("again")) == events, "a report writes other events than the run did")
expect(0, ["sim", "w.toml", "--seeds", "2", "--tensorboard", "several", "--quiet"])
check(len({only(path) for path in glob.glob("several/*")}) == 2, "two runs, two directories")
expect(0, ["node", "w.toml", "--until", "2s", "--port", "0", "--no-status", "--out", "noderun", "--tensorboard", "nodetb"])
same(read(only("nodetb")), "noderun/metrics.jsonl")
open("file", "w").close()
expect(1, ["sim", "w.toml", "--tensorboard", "file/x", "--quiet"], "file")
expect(2, ["node", "w.toml", "--port", "0", "--no-status", "--tensorboard", "file/x"])

try:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
except ImportError:
    print("tensorboard is not installed here: only our own reader has read them")
else:
    loaded = [e for e in EventFileLoader(only("tb")).Load() if e.HasField("summary")]
    check([e.step for e in loaded] == [step for _, step, _, _ in events], "tensorboard reads other steps")
finish("event files")
