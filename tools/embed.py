#!/usr/bin/env python3
"""Makes a C++ source of a text that lies in a file of its own, so that the program carries it. usage:
embed.py OUT.cpp NAMESPACE NAME TEXT [WORD=FILE]...

In TEXT, {{WORD}} stands for what is in FILE, and {{hash of WORD}} for its SHA-256 as a content security policy has it."""

import base64
import hashlib
import sys

PART = 1000  # characters of a line of the source


def literal(text: str) -> str:
    out = []
    for byte in text.encode():
        c = chr(byte)
        out.append({"\n": "\\n", '"': '\\"', "\\": "\\\\", "?": "\\?"}.get(c) or (c if 32 <= byte < 127 else f"\\{byte:03o}"))
    lines = ["".join(out[i : i + PART]) for i in range(0, len(out), PART)]
    return "\n".join(f'    "{line}"' for line in lines) or '    ""'


def main() -> int:
    out, namespace, name, template, *parts = sys.argv[1:]
    with open(template, encoding="utf-8") as file:
        text = file.read()
    for part in parts:
        word, path = part.split("=", 1)
        with open(path, encoding="utf-8") as file:
            content = file.read()
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for mark, value in ((f"{{{{hash of {word}}}}}", f"sha256-{digest}"), (f"{{{{{word}}}}}", content)):
            if mark not in text:
                sys.exit(f"embed: {template} has no {mark}")
            text = text.replace(mark, value)
    with open(out, "w", encoding="ascii") as file:
        file.write(f"// Made by tools/embed.py of {template.rsplit('/', 1)[-1]}.\nnamespace {namespace} {{\nextern const char* const {name};\n"
                   f"const char* const {name} =\n{literal(text)};\n}}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
