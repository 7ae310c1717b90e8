#!/usr/bin/env -S /usr/bin/python3 -I
"""Reads metrics in the text format of Prometheus from standard input, strictly, and
prints each sample as a line of JSON: [name, labels, value].

Anything that the format forbids, or that a good exporter does not do (promtool's checks),
is an error.  The parser of prometheus_client has to read the same samples.
"""
import json, re, sys
from prometheus_client.parser import text_string_to_metric_families

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'


def fail(number, line, why):
    sys.exit(f"line {number}: {why}: {line!r}")


def unescape(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def read(text):
    if not text.endswith("\n"):
        fail(0, text[-80:], "the last line is not complete")
    helps, types, samples, series = set(), {}, [], set()
    family = None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        head = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if head:
            kind, name, rest = head.groups()
            if kind == "HELP":
                if name in helps:
                    fail(number, line, "a second HELP")
                helps.add(name)
            else:
                if name in types or name not in helps or rest != "gauge":
                    fail(number, line, "TYPE is wrong, or not after its HELP")
                types[name] = rest
                family = name
            continue
        sample = re.fullmatch(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)", line)
        if not sample:
            fail(number, line, "not a sample")
        name, labels, value = sample[1], sample[2] or "", sample[sample.lastindex]
        if name != family:
            fail(number, line, "not with the others of its family")
        pairs = [(label, unescape(text)) for label, text in re.findall(LABEL, labels)]
        if len(dict(pairs)) != len(pairs):
            fail(number, line, "a label twice")
        key = (name, tuple(sorted(pairs)))
        if key in series:
            fail(number, line, "a series twice")
        series.add(key)
        if not re.fullmatch(r"[+-]Inf|NaN|-?[0-9]+", value):
            fail(number, line, "not a number")
        samples.append((name, dict(pairs), float(value)))
    return samples


def main():
    text = sys.stdin.buffer.read().decode()
    samples = read(text)
    theirs = [(sample.name, sample.labels, sample.value)
              for family in text_string_to_metric_families(text) for sample in family.samples]
    if sorted(map(repr, theirs)) != sorted(map(repr, samples)):
        sys.exit(f"prometheus_client reads {theirs}\nand not {samples}")
    for name, labels, value in samples:
        print(json.dumps([name, labels, int(value) if value == value and abs(value) != float("inf")
                          else str(value)], ensure_ascii=False))


main()
