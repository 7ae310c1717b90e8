#!/usr/bin/env python3
"""retention_model.py KIND COUNT SEED: zr-prune against a model.

Random snapshots of filesystems and random rules are judged by zr-prune -j and by the
model below, which is written from the rules of zr-prune(1) and zr-guard(1), without a
look at lib/retention.  Dates are multiples of a few seconds and buckets are as small, so
that equal dates and dates on an edge are frequent.  KIND:

zrepl		zr-prune without -G, with cursors in the sender's listing
floor		zr-prune -G -N
adversary	zr-prune -G -N: an honest history, then hostile snapshots with any dates,
		then honest ones again; what is kept of the first part without the hostile
		snapshots must be kept with them
patient		zr-prune -G -N, again and again: a client destroys of an honest history what
		it may, as time goes on; the oldest snapshot of each bucket must be left
plan		zr-plan -k: of a history of which the receiver has the beginning, what its rules
		will keep is sent, and the last one

Prints how many snapshots were kept and not.  At the first set that does not agree it
takes snapshots and rules away as long as the disagreement stays, prints what is left,
and exits 1."""
import datetime
import json
import random
import re
import subprocess
import sys
import tempfile

EPOCH = 1767225600
SETS = 50           # filesystems in one run of zr-prune
JOB = "the job"


def rfc3339(seconds, rng=None):
    """The same instant in some zone."""
    offset = rng.choice([0, 0, 0, 90, -660]) if rng else 0
    zone = datetime.timezone(datetime.timedelta(minutes=offset))
    return datetime.datetime.fromtimestamp(seconds, zone).isoformat().replace("+00:00", "Z")


class Snapshot:
    def __init__(self, name, txg, creation, guid):
        self.name, self.txg, self.creation, self.guid = name, txg, creation, guid

    def __repr__(self):
        return "@%s txg=%d creation=%+d guid=%x" % (
            self.name, self.txg, self.creation - EPOCH, self.guid)


class Rule:
    """kind; regex; n; intervals as (repeat, seconds, keep or None for all); drop"""

    def __init__(self, text, kind, regex="", n=0, intervals=(), drop=False):
        self.text, self.kind, self.regex = text, kind, regex
        self.n, self.intervals, self.drop = n, intervals, drop


# --- the model ---

def is_about(rule, snapshot):
    found = re.search(rule.regex, snapshot.name) is not None
    return not found if rule.kind == "not_regex" else found


def buckets(rule, young):
    """(number, young edge, old edge, keep) of each, the old edge not in it."""
    number = 0
    for repeat, seconds, keep in rule.intervals:
        for _ in range(repeat):
            yield number, young, young - seconds, keep
            young -= seconds
            number += 1


def zrepl_grid(rule, snapshots):
    """Snapshot to the number of its bucket, of those that stay."""
    if not snapshots:
        return {}
    ordered = sorted(snapshots, key=lambda s: s.txg)
    ordered.sort(key=lambda s: -s.creation)
    stay = {}
    for number, young, old, keep in buckets(rule, ordered[0].creation):
        inside = [s for s in ordered if old < s.creation <= young]
        if keep is not None:
            inside = inside[max(0, len(inside) - keep):]
        stay.update({s: number for s in inside})
    return stay


def zrepl_last_n(rule, snapshots):
    return sorted(snapshots, key=lambda s: (s.creation, s.name))[-rule.n:]


def not_replicated(rules, snapshots, cursor):
    ordered = sorted(snapshots, key=lambda s: s.txg)
    at = [i for i, s in enumerate(ordered) if s.guid == cursor]
    if not at:
        return ordered
    if any(r.drop for r in rules):
        return ordered[at[0] + 1:]
    return ordered[at[0]:]


def arrival(snapshot):
    return (snapshot.txg, snapshot.creation, snapshot.name)


def doubtful(snapshot, snapshots, now):
    return snapshot.creation > now or any(
        s.txg > snapshot.txg and s.creation < snapshot.creation for s in snapshots)


def fixed_bucket(rule, snapshot, now):
    """Interval, number and K of its bucket; edges are multiples since the epoch, and the
    first bucket of an interval is the one in which that begins."""
    creation, first, start = min(snapshot.creation, now), 0, 0
    for index, (repeat, seconds, keep) in enumerate(rule.intervals):
        if now - creation < start + repeat * seconds:
            return index, first + (now - start) // seconds - creation // seconds, keep
        start += repeat * seconds
        first += repeat + 1
    return None


def floor_grid(rule, snapshots, sure, now):
    stay = {}
    places = {s: fixed_bucket(rule, s, now) for s in snapshots}
    for s in snapshots:
        if places[s] is None:
            continue
        _, number, keep = places[s]
        before = [o for o in snapshots if places[o] == places[s] and o in sure
                  and arrival(o) < arrival(s)]
        if keep is None or len(before) < keep:
            stay[s] = number
    return stay


def floor_last_n(rule, snapshots, sure):
    return [s for s in snapshots if
            len([o for o in snapshots if o in sure and arrival(o) > arrival(s)]) < rule.n]


def model(rules, snapshots, cursor=None, now=None):
    """Snapshot to (numbers of the rules that keep it, bucket of the first grid)."""
    kept = {s: ([], None) for s in snapshots}
    sure = now is not None and {s for s in snapshots if not doubtful(s, snapshots, now)}
    for number, rule in enumerate(rules, 1):
        about = [s for s in snapshots if is_about(rule, s)]
        if rule.kind == "grid":
            about = zrepl_grid(rule, about) if now is None else \
                floor_grid(rule, about, sure, now)
        elif rule.kind == "last_n":
            about = zrepl_last_n(rule, about) if now is None else \
                floor_last_n(rule, about, sure)
        elif rule.kind == "not_replicated":
            about = not_replicated(rules, snapshots, cursor)
        for s in about:
            by, bucket = kept[s]
            if rule.kind == "grid" and bucket is None:
                bucket = about[s]
            kept[s] = (by + [number], bucket)
    return kept


# --- random sets and rules ---

def random_regex(rng):
    return rng.choice([".", "a", "b", "^a", "b$", "a|b", "[12]", "^a.*1", "x", "^"])


def random_grid(rng, unit):
    intervals, words, length, keep = [], [], 1, None
    for _ in range(rng.randrange(1, 5)):
        if keep is None and rng.random() < 0.3:
            length = rng.randrange(1, 4)        # only keep=all before: any length
        else:
            length += rng.choice([0, 0, 1, 2, 5])
        repeat = rng.choice([1, 1, 2, 3, 5, 24, 70])
        this = rng.choice([None, 1, 1, 1, 2, 3])
        keep = None if this is None and keep is None else 1
        text = rng.choice(["%dx%ds", "%d x %ds", " %d x +%d s ", "%dx %ds\t"]) % (
            repeat, length * unit)
        text += {None: "(keep=all)", 1: rng.choice(["", "(keep=1)", "( keep=1)"])}.get(
            this, "(keep=%s)" % this)
        words.append(text)
        intervals.append((repeat, length * unit, this))
    return rng.choice(["|", " | "]).join(words), intervals


def random_rule(rng, unit, kinds):
    kind = rng.choice(kinds)
    regex = random_regex(rng)
    if kind == "grid":
        spec, intervals = random_grid(rng, unit)
        return Rule("grid %s %s" % (regex, spec), kind, regex, intervals=intervals)
    if kind == "last_n":
        n = rng.choice([1, 1, 2, 3, 5, 10])
        if rng.random() < 0.3:
            return Rule("last_n %d" % n, kind, "", n)
        return Rule("last_n %d  %s" % (n, regex), kind, regex, n)
    if kind == "not_replicated":
        drop = rng.random() < 0.3
        return Rule(kind + " drop_cursor" * drop, kind, drop=drop)
    return Rule("%s %s" % (kind, regex), kind, regex)


def random_rules(rng, unit, kinds):
    return [random_rule(rng, unit, kinds) for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4]))]


def random_name(rng, number):
    return rng.choice(["a%d", "b%d", "%da", "%db", "c%d"]) % number


def random_set(rng, unit):
    """Snapshots with their own txgs, in an order of their own."""
    count = rng.choice([0, 1, 2, 3, 5, 8, 13, 30])
    txgs = rng.sample(range(1, 4 * count + 2), count)
    if rng.random() < 0.7:
        txgs.sort()
    span = rng.choice([2, count + 1, 3 * count + 1, 100])
    steps = [rng.randrange(span) for _ in range(count)]
    if rng.random() < 0.7:
        steps.sort()
    jitter = rng.choice([1, 1, unit])
    names = [random_name(rng, n) for n in rng.sample(range(3 * count + 1), count)]
    return [Snapshot(name, txg, EPOCH + step * unit + rng.randrange(jitter),
                     rng.randrange(1, 2**64))
            for name, txg, step in zip(names, txgs, steps)]


def version(snapshot, rng, **more):
    return dict({"Name": snapshot.name, "Guid": str(snapshot.guid),
                 "CreateTXG": str(snapshot.txg),
                 "Creation": rfc3339(snapshot.creation, rng)}, **more)


# --- a set of snapshots that is judged ---

class Case:
    """What zr-prune is given of one filesystem, and what the model says."""

    def __init__(self, rules, snapshots, cursor=None, now=None):
        self.rules, self.snapshots, self.cursor, self.now = rules, snapshots, cursor, now

    def without(self, index=None, rule=None):
        def all_but(items, at):
            return [x for i, x in enumerate(items) if i != at]
        return Case(all_but(self.rules, rule), all_but(self.snapshots, index),
                    self.cursor, self.now)

    def listing(self, rng, name):
        versions = [version(s, rng) for s in self.snapshots]
        rng.shuffle(versions)
        return {"Filesystem": name, "Versions": versions}

    def sender(self, rng, name):
        """Bookmarks: the cursor, and what must not be taken for one."""
        def cursor(kind, guid, job, txg, own=None):
            s = Snapshot("zrepl_%s_G_%016x_J_%s" % (kind, guid, job), txg, EPOCH,
                         own or guid)
            return version(s, rng, Type="Bookmark")
        marks = []
        guids = [s.guid for s in self.snapshots] + [1]
        if rng.random() < 0.3:
            marks.append(cursor("CURSOR", rng.choice(guids), "other", 10**6))
            marks.append(cursor("CURSORTENTATIVE_", rng.choice(guids), JOB, 10**6))
            marks.append(cursor("CURSOR", rng.choice(guids), JOB, 10**6, own=99))
        if self.cursor is not None:
            marks.append(cursor("CURSOR", self.cursor, JOB, 1000))
            if rng.random() < 0.2:
                marks.append(cursor("CURSOR", rng.choice(guids), JOB, 5))
        rng.shuffle(marks)
        return {"Filesystem": name, "Versions": marks}

    def meant(self):
        return {s.name: answer for s, answer in
                model(self.rules, self.snapshots, self.cursor, self.now).items()}

    def __repr__(self):
        lines = [r.text for r in self.rules] + [repr(s) for s in self.snapshots]
        if self.now is not None:
            lines.append("now=%+d" % (self.now - EPOCH))
        if self.cursor is not None:
            lines.append("cursor=%x" % self.cursor)
        return "\n".join(lines)


def said(cases, seed):
    """What zr-prune says of cases that share rules and time."""
    rng = random.Random(seed)
    rules, now = cases[0].rules, cases[0].now
    with tempfile.TemporaryDirectory() as directory:
        for file in "listing", "sender":
            with open("%s/%s" % (directory, file), "w") as out:
                for i, case in enumerate(cases):
                    of = case.listing if file == "listing" else case.sender
                    out.write(json.dumps(of(rng, "p/f%d" % i)) + "\n")
        words = ["zr-prune", "-j"]
        for rule in rules:
            words += ["-k", rule.text]
        if now is not None:
            words += ["-G", "-N", rfc3339(now)]
        elif any(r.kind == "not_replicated" for r in rules):
            words += ["-J", JOB, "-S", directory + "/sender"]
        done = subprocess.run(words + [directory + "/listing"], stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit("%s ended with status %d" % (" ".join(words), done.returncode))
    answers = [{} for _ in cases]
    for line in map(json.loads, done.stdout.splitlines()):
        assert line["keep"] == bool(line["by"])
        answers[int(line["filesystem"][3:])][line["snapshot"]] = (
            line["by"], line.get("bucket"))
    return answers


def shrink(case, wrong):
    """Take away what does not matter."""
    smaller = True
    while smaller:
        smaller = False
        for i in reversed(range(len(case.snapshots))):
            if wrong(case.without(index=i)):
                case, smaller = case.without(index=i), True
        for i in reversed(range(len(case.rules))):
            if len(case.rules) > 1 and wrong(case.without(rule=i)):
                case, smaller = case.without(rule=i), True
    return case


def compare(cases, seed, kept):
    for i, (case, answer) in enumerate(zip(cases, said(cases, seed))):
        meant = case.meant()
        for by, _ in answer.values():
            kept[bool(by)] += 1
        if answer == meant:
            continue

        def wrong(c):
            return said([c], seed)[0] != c.meant()
        if wrong(case):
            case = shrink(case, wrong)
        print(case)
        answer, meant = said([case], seed)[0], case.meant()
        for name in sorted(meant):
            if answer.get(name) != meant[name]:
                print("@%s: zr-prune %r, the model %r" % (name, answer.get(name),
                                                          meant[name]))
        sys.exit(1)


# --- the three kinds of test ---

def zrepl(rng, count, kept):
    unit = rng.choice([1, 2, 60])
    kinds = ["grid"] * 5 + ["last_n", "regex", "not_regex", "not_replicated"]
    rules = random_rules(rng, unit, kinds)
    cases = []
    for _ in range(count):
        snapshots = random_set(rng, unit)
        cursor = rng.choice([None, 12345] + 8 * [s.guid for s in snapshots])
        cases.append(Case(rules, snapshots, cursor))
    compare(cases, rng.random(), kept)


def floor(rng, count, kept):
    unit = rng.choice([1, 2, 60])
    rules = random_rules(rng, unit, ["grid"] * 4 + ["last_n", "regex", "not_regex"])
    now = EPOCH + rng.choice([0, 1, 5, 10, 30, 100, 300]) * unit
    cases = []
    for _ in range(count):
        snapshots = random_set(rng, unit)
        for s in snapshots:             # some arrive in the same transaction group
            if rng.random() < 0.1:
                s.txg = rng.choice(snapshots).txg
        cases.append(Case(rules, snapshots, now=now))
    compare(cases, rng.random(), kept)


def history(rng, unit, first, count, txg, prefix):
    """Honest: dates in the order of arrival."""
    snapshots, when = [], first
    for i in range(count):
        when += rng.choice([0, 1, 1, 2, 3, rng.randrange(1, 8)]) * unit
        txg += rng.choice([1, 1, 2])
        snapshots.append(Snapshot(random_name(rng, i) + prefix, txg, when,
                                  rng.randrange(1, 2**64)))
    return snapshots, when, txg


def adversary(rng, count, kept):
    unit = rng.choice([1, 2, 60])
    rules = random_rules(rng, unit, ["grid"] * 6 + ["last_n", "regex", "not_regex"])
    cases, befores, plain = [], [], []
    # All share one present: after the last date of any honest history.
    parts = []
    for _ in range(count):
        before, when, txg = history(rng, unit, EPOCH, rng.choice([1, 3, 8, 20]), 0, "x")
        hostile = []
        for i in range(rng.choice([1, 2, 5, 30])):
            txg += 1
            date = rng.choice([s.creation for s in before] + [when]) + \
                rng.choice([-1, 0, 0, 1, 50, -50, 10000, -10000]) * rng.choice([1, unit])
            hostile.append(Snapshot(random_name(rng, i) + "h", txg, date,
                                    rng.randrange(1, 2**64)))
        after, when, txg = history(rng, unit, when, rng.choice([0, 0, 1, 5]), txg, "y")
        parts.append((before, hostile, after))
    now = max(s.creation for b, _, a in parts for s in b + a) + \
        rng.choice([0, 0, 1, 7]) * unit
    for before, hostile, after in parts:
        befores.append(before)
        cases.append(Case(rules, before + after, now=now))
        cases.append(Case(rules, before + hostile + after, now=now))
        plain.append(all(doubtful(h, before + hostile + after, now) for h in hostile))
    answers = said(cases, rng.random())
    for i, before in enumerate(befores):
        honest, attacked = answers[2 * i], answers[2 * i + 1]
        for s in before:
            kept[bool(attacked[s.name][0])] += 1
            # Snapshots that are not doubtful push out what last_n keeps: that is said.
            lost = [n for n in honest[s.name][0] if n not in attacked[s.name][0] and
                    (rules[n - 1].kind != "last_n" or plain[i])]
            if not lost:
                continue
            print(cases[2 * i + 1])
            print("@%s is no longer kept by the rules %r" % (s.name, lost))
            sys.exit(1)


def nested_grid(rng, unit):
    """Each duration is a multiple of the one before."""
    intervals, length = [], unit
    for _ in range(rng.randrange(1, 4)):
        length *= rng.choice([2, 3, 6])
        intervals.append((rng.randrange(2, 7), length, 1))
    return Rule("grid . " + "|".join("%dx%ds" % i[:2] for i in intervals), "grid", ".",
                intervals=intervals)


def left_in_buckets(rule, history, now):
    """The oldest snapshot of each bucket that lies in its interval with both edges."""
    start = 0
    for repeat, seconds, _ in rule.intervals:
        oldest = {}
        for s in history:
            oldest.setdefault(s.creation // seconds, s)
        for number, s in oldest.items():
            if now - (number + 1) * seconds + 1 >= start and \
                    now - number * seconds < start + repeat * seconds:
                yield s
        start += repeat * seconds


def patient(rng, count, kept):
    unit = rng.choice([1, 2, 60])
    rule = nested_grid(rng, unit)
    histories, alive, ways, now = [], [], [], 0
    for _ in range(count):
        snapshots, when, _ = history(rng, unit, EPOCH, rng.choice([5, 30]), 0, "x")
        histories.append(snapshots)
        alive.append(list(snapshots))
        ways.append(rng.choice(["all", "some", "youngest", "youngest"]))
        now = max(now, when)
    for _ in range(15):
        answers = said([Case([rule], there, now=now) for there in alive], rng.random())
        for i, there in enumerate(alive):
            stays = {s for s in there if answers[i][s.name][0]}
            last = max((n for n, s in enumerate(there) if s in stays), default=-1)
            alive[i] = [s for n, s in enumerate(there) if s in stays or
                        (ways[i] == "some" and rng.random() < 0.5) or
                        (ways[i] == "youngest" and n < last)]
            for s in left_in_buckets(rule, histories[i], now):
                kept[1] += 1
                if s not in alive[i]:
                    print(Case([rule], histories[i], now=now))
                    print("%s: @%s, the oldest of its bucket, is gone" % (ways[i], s.name))
                    sys.exit(1)
            kept[0] += len(there) - len(alive[i])
        now += rng.choice([1, unit, 2 * unit, 5 * unit])


def plan(rng, count, kept):
    unit = rng.choice([1, 2, 60])
    rules = random_rules(rng, unit, ["grid"] * 4 + ["last_n", "regex", "not_regex"])
    words = ["zr-plan", "-j", "-I", "all"]
    for rule in rules:
        words += ["-k", rule.text]
    histories = []
    for _ in range(count):
        snapshots = sorted(random_set(rng, unit), key=lambda s: s.txg)
        histories.append((snapshots, rng.randrange(len(snapshots) + 1)))
    with tempfile.TemporaryDirectory() as directory:
        for side in "sender", "receiver":
            with open("%s/%s" % (directory, side), "w") as out:
                for i, (snapshots, there) in enumerate(histories):
                    # The receiver's createtxgs are others.
                    versions = [version(s, rng) for s in snapshots] if side == "sender" \
                        else [version(s, rng, CreateTXG=str(10**6 + n))
                              for n, s in enumerate(snapshots[:there])]
                    out.write(json.dumps({"Filesystem": "p/f%d" % i,
                                          "Versions": versions}) + "\n")
        done = subprocess.run(words + [directory + "/sender", directory + "/receiver"],
                              stdout=subprocess.PIPE, check=True)
    for line in map(json.loads, done.stdout.splitlines()):
        snapshots, there = histories[int(line["filesystem"][3:])]
        answer = model(rules, snapshots)
        meant = [s.name for s in snapshots[there:] if answer[s][0] or s is snapshots[-1]]
        sent = [step["To"]["Name"] for step in line["steps"]]
        left = [skipped["snapshot"] for skipped in line["skipped"]]
        kept[1] += len(sent)
        kept[0] += len(left)
        if sent != meant or sorted(sent + left) != sorted(s.name for s in snapshots[there:]):
            print(Case(rules, snapshots), "there: %d" % there, "zr-plan: %r" % sent,
                  "the model: %r" % meant, sep="\n")
            sys.exit(1)


def main():
    kind, left, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng, kept = random.Random(seed), [0, 0]
    while left > 0:
        {"zrepl": zrepl, "floor": floor, "adversary": adversary, "patient": patient,
         "plan": plan}[kind](rng, min(SETS, left), kept)
        left -= SETS
    print("kept=%d gone=%d" % (kept[1], kept[0]))


main()
