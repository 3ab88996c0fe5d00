"""Answers questions about struct formats for oracle.rs, one a line: VERB FORMAT ARGUMENT...

Formats and bytes come and go in hex; a value has its kind in front: t1, i-5, f<8 bytes>, b<bytes>.
"""

import struct
import sys


def value(text):
    kind, rest = text[0], text[1:]
    if kind == "t":
        return bool(int(rest))
    if kind == "i":
        return int(rest)
    if kind == "f":
        return struct.unpack(">d", bytes.fromhex(rest))[0]
    return bytes.fromhex(rest)


def text(value):
    if isinstance(value, bool):
        return "t%d" % value
    if isinstance(value, int):
        return "i%d" % value
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    return "b" + value.hex()


def answer(verb, form, arguments):
    if verb == "size":
        return str(struct.calcsize(form))
    if verb == "pack":
        return struct.pack(form, *map(value, arguments.split())).hex()
    return " ".join(map(text, struct.unpack(form, bytes.fromhex(arguments))))


for line in sys.stdin:
    verb, form, arguments = line.rstrip("\n").split(" ", 2)
    try:
        print(answer(verb, bytes.fromhex(form).decode(), arguments), flush=True)
    except (struct.error, OverflowError, UnicodeEncodeError):
        print("refused", flush=True)
