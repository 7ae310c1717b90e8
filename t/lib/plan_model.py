#!/usr/bin/env python3
"""plan_model.py COUNT SEED [POLICY [OPTION...]]: zr-plan against a model.

Random pairs of histories of one filesystem: snapshots are taken, bookmarked and
destroyed on the sender, received and destroyed on the receiver, which also takes
some of its own; receives are interrupted; the lists are shuffled.  The model below
is written from the rules of zr-plan(1), without a look at lib/plan.  Prints how many
plans of each verdict agreed; at the first that does not, both listings and both plans,
and exits 1."""
import json
import os
import random
import subprocess
import sys
import tempfile

from forge_token import token


def version(kind, name, guid, txg):
    return {"Type": kind, "Name": name, "Guid": str(guid), "CreateTXG": str(txg),
            "Creation": "2026-01-%02dT%02d:00:00Z" % (1 + txg // 24 % 28, txg % 24)}


class History:
    """Both sides of one filesystem."""

    def __init__(self, rng):
        self.rng = rng
        self.sender, self.receiver, self.token = [], [], None
        self.exists = False
        self.next = 1
        everything = []
        for _ in range(rng.randrange(12)):
            action = rng.random()
            snapshots = [v for v in self.sender if v["Type"] == "Snapshot"]
            if action < 0.4:
                new = version("Snapshot", rng.choice("ab") + str(self.tick()),
                              rng.randrange(1, 2**64), self.next)
                everything.append(new)
                self.sender.append(new)
            elif action < 0.5 and snapshots:
                of = rng.choice(snapshots)
                self.sender.append(dict(of, Type="Bookmark", Name="m" + str(self.tick())))
            elif action < 0.6 and self.sender:
                self.sender.remove(rng.choice(self.sender))
            elif action < 0.85 and everything:
                self.exists = True
                got = rng.choice(everything[-3:])
                if all(v["Guid"] != got["Guid"] for v in self.receiver):
                    self.receiver.append(dict(got, CreateTXG=str(self.tick() + 1000)))
            elif action < 0.9 and self.receiver:
                self.receiver.remove(rng.choice(self.receiver))
            elif action < 0.93 and self.exists:
                self.receiver.append(version("Snapshot", "own" + str(self.tick()),
                                             rng.randrange(1, 2**64), self.next + 1000))
            elif action < 0.97 and everything:
                self.exists = True
                to = rng.choice(everything)
                start = rng.choice([None] + self.sender)
                self.token = (to["Guid"], start and start["Guid"])
        if self.exists and rng.random() < 0.1:
            self.receiver.append(dict(rng.choice(self.receiver or [version(
                "Snapshot", "x", 5, 5)]), Type="Bookmark", Name="theirs"))
        if rng.random() < 0.02:
            self.sender, self.sender_placeholder = [], True
        else:
            self.sender_placeholder = False
        self.receiver_placeholder = self.exists and rng.random() < 0.1
        if self.receiver_placeholder:
            self.receiver = []
        self.renamed = rng.random() < 0.1
        self.token_end = ""
        if self.token is not None and rng.random() < 0.03:
            self.token_end = "0"
        rng.shuffle(self.sender)
        rng.shuffle(self.receiver)

    def tick(self):
        self.next += self.rng.choice([0, 1, 1, 1])
        return self.next

    def listings(self, name):
        ours = {"Filesystem": name, "Versions": self.sender}
        if self.sender_placeholder:
            ours["IsPlaceholder"] = True
        if not self.exists:
            return ours, None
        theirs = {"Filesystem": name, "Versions": self.receiver}
        if self.receiver_placeholder:
            theirs["IsPlaceholder"] = True
        if self.token is not None:
            theirs["ResumeToken"] = token(("p/old" if self.renamed else name) + "@t",
                                          self.token[0], self.token[1] or "-") + self.token_end
        return ours, theirs


# --- the model ---

def ordered(versions):
    return sorted(versions, key=lambda v: (int(v["CreateTXG"]), v["Type"] != "Bookmark",
                                           v["Name"]))


def snapshots_of(versions):
    return [v for v in versions if v["Type"] == "Snapshot"]


def chain(start, candidates):
    """From one version to each of the candidates in turn."""
    steps = []
    for version_ in candidates:
        if start is not None and start["Guid"] == version_["Guid"]:
            continue
        steps.append((start, version_, False))
        start = version_
    return steps


class Model:
    def __init__(self, policy, newest, include, exclude):
        self.policy, self.newest = policy, newest
        self.include, self.exclude = include, exclude

    def wanted(self, v):
        return self.include in v["Name"] and not (self.exclude and
                                                  self.exclude in v["Name"])

    def candidates(self, versions):
        chosen = [v for v in snapshots_of(versions) if self.wanted(v)]
        return chosen[-1:] if self.newest else chosen

    def plan(self, history):
        theirs_is_real = history.exists and not history.receiver_placeholder
        if history.sender_placeholder:
            return ("conflict", "placeholder") if theirs_is_real else ("placeholder", [])
        if not history.sender:
            if theirs_is_real and history.receiver:
                return "conflict", "sender-empty"
            return "placeholder", []
        ours = ordered(history.sender)
        theirs = ordered(snapshots_of(history.receiver)) if theirs_is_real else []
        if history.token_end:
            return "error", "token"
        if history.token is not None:
            to_guid, from_guid = history.token
            if to_guid == from_guid:
                return "error", "token"
            to = [v for v in snapshots_of(ours) if v["Guid"] == to_guid]
            start = [v for v in snapshots_of(ours) if v["Guid"] == from_guid] or \
                [v for v in ours if v["Guid"] == from_guid]
            if to and (from_guid is None or start) and self.wanted(to[-1]) and \
                    not history.renamed:
                first = (start[-1] if start else None, to[-1], True)
                rest = ours[ours.index(to[-1]) + 1:]
                return "resume", [first] + chain(to[-1], self.candidates(rest))
            verdict, steps = self.without_token(ours, theirs)
            return ("restart" if isinstance(steps, list) and steps else verdict), steps
        return self.without_token(ours, theirs)

    def without_token(self, ours, theirs):
        if not theirs:
            if not snapshots_of(ours):
                return "conflict", "only-bookmarks"
            if self.policy == "fail":
                return "conflict", "initial-disabled"
            send = self.candidates(ours)
            if self.policy == "most_recent":
                send = send[-1:]
            steps = chain(None, send)
            return ("initial" if steps else "placeholder"), steps
        for at in range(len(theirs) - 1, -1, -1):
            common = [v for v in ours if v["Guid"] == theirs[at]["Guid"]]
            if common:
                if at != len(theirs) - 1:
                    return "conflict", "diverged"
                base = common[-1]
                rest = [v for v in ours[ours.index(base) + 1:]
                        if v["Guid"] != base["Guid"]]
                steps = chain(base, self.candidates(rest))
                return ("incremental" if steps else "up-to-date"), steps
        return "conflict", "no-common"


# --- the comparison ---

def said(plan):
    """What zr-plan says, in the model's words."""
    if plan["verdict"] in ("conflict", "error"):
        return plan["verdict"], plan["conflict"]["kind"]

    def brief(v):
        return v and (v.get("Type", "Snapshot"), v["Name"])
    return plan["verdict"], [(brief(s.get("From")), brief(s["To"]),
                              "ResumeToken" in s) for s in plan["steps"]]


def meant(result):
    verdict, what = result
    if isinstance(what, str):
        return verdict, what
    return verdict, [(start and (start["Type"], start["Name"]), (to["Type"], to["Name"]),
                      resumed) for start, to, resumed in what]


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    policy = sys.argv[3] if len(sys.argv) > 3 else "most_recent"
    options = sys.argv[4:]
    model = Model(policy, "-l" in options,
                  "a" if "-i" in options else "", "b" if "-x" in options else "")
    arguments = ["-I", policy]
    for option in options:
        arguments += {"-l": ["-l"], "-i": ["-i", "a"], "-x": ["-x", "b"]}[option]
    agreed = {}
    rng = random.Random(seed)
    while count > 0:
        some = [History(rng) for _ in range(min(count, 5000))]
        count -= len(some)
        with tempfile.TemporaryDirectory() as directory:
            pairs = [h.listings("p/f%d" % i) for i, h in enumerate(some)]
            for side in 0, 1:
                with open("%s/%d" % (directory, side), "w") as out:
                    lines = [json.dumps(p[side]) for p in pairs if p[side]]
                    rng.shuffle(lines)
                    out.write("".join(line + "\n" for line in lines))
            done = subprocess.run(["zr-plan", "-j", *arguments, directory + "/0",
                                   directory + "/1"], stdout=subprocess.PIPE)
        if done.returncode not in (0, 1):
            sys.exit("zr-plan ended with status %d" % done.returncode)
        plans = {p["filesystem"]: p for p in map(json.loads, done.stdout.splitlines())}
        for i, history in enumerate(some):
            plan = plans["p/f%d" % i]
            expected = meant(model.plan(history))
            if said(plan) != expected:
                print(json.dumps(pairs[i], indent=1), json.dumps(plan, indent=1),
                      "the model: %r" % (expected,), "zr-plan: %r" % (said(plan),),
                      sep="\n")
                sys.exit(1)
            agreed[expected[0]] = agreed.get(expected[0], 0) + 1
    print(" ".join("%s=%d" % item for item in sorted(agreed.items())))


main()
