#!/usr/bin/env python3
"""step_model.py [-f FAULT] COUNT SEED GUARANTEE [POLICY]: zr-plan's steps, cut anywhere.

A model of two pools and one filesystem, with the snapshots, bookmarks, holds and
cursors that zr-protocol(7) prescribes; the plans are those of zr-plan.  A random
history takes snapshots, destroys what no hold protects, and runs plans that are cut
or paused at a point of a step.  Each history is repeated with the first of these at
every point.  At its end one more snapshot is taken, and
- the next plan must lead to it, and the one after it find nothing to do;
- no step may need what is gone, unless that was destroyed after planning and
  before the step's holds;
- what a step with GuaranteeResumability transferred must never be sent again, and
  after the first Receive no snapshot in full;
- no hold and no cursor may be left but those of the newest snapshot.

Prints how many plans of each verdict there were.  A history that fails is shortened as
far as it still fails, and printed; exit status 1.  GUARANTEE is that of zr-plan -g,
POLICY that of -I.  -f plants a fault into the model (FAULTS below), to show that it
would be found."""
import functools
import getopt
import json
import random
import subprocess
import sys
import tempfile

from forge_token import token

POINTS = ("before Send", "after Send's holds", "before the stream", "in the stream",
          "before the last-received hold", "while both snapshots are held",
          "before SendCompleted", "after the cursor is made",
          "after the step holds are released", "before older cursors are destroyed",
          "after SendCompleted")
FAULTS = {
    "token": "zr-plan does not see the resume token",
    "bookmarks": "zr-plan does not see bookmarks",
    "hold-from": "Send does not hold From",
    "hold-to": "Send does not hold To",
    "stale-first": "Send releases stale holds before it takes its own",
    "from": "Send destroys the tentative cursor from which it starts",
    "tentative": "Send makes no tentative cursor of To",
    "received": "Receive releases the old hold before it takes the new one",
    "cursor": "SendCompleted destroys the old cursor before it makes the new one",
    "overlap": "SendCompleted is called after the next Send has begun",
    "unfinished": "SendCompleted leaves the holds",
}
BLOCKS = 8                      # a stream


class Broken(Exception):
    """A property does not hold."""


class Refused(Exception):
    """A side cannot do its part of a step."""


class Gone(Refused):
    """The sender refuses, because a version of the step was destroyed."""


class Cut(Exception):
    pass


@functools.lru_cache(None)
def version(kind, name, guid, txg):
    return json.dumps({"Type": kind, "Name": name, "Guid": str(guid),
                       "CreateTXG": str(txg),
                       "Creation": "2026-01-01T00:%02d:%02dZ" % (txg // 60, txg % 60)})


make_token = functools.lru_cache(None)(token)


def guarantee_of(request):
    protection = request["ReplicationConfig"]["protection"]
    return protection["Incremental" if "From" in request else "Initial"][9:]


def guid_of(named):
    return named and int(named["Guid"])


class Pools:
    def __init__(self, fault, keep_all):
        self.fault, self.keep_all = fault, keep_all
        self.clock = 0
        # Both by guid, with their createtxg, the oldest first.
        self.ours, self.theirs = {}, {}
        self.marks = {}                 # the sender's bookmarks: name: (guid, createtxg)
        self.holds, self.their_holds = set(), set()
        self.exists = False             # on the receiver
        self.partial = None             # (from, to, blocks, guarantee) of it
        self.sending = ()               # what zfs send itself keeps from being destroyed
        self.destroyed = False          # something was, since the plan
        self.stop = None                # (step, point, blocks, actions; None: a cut)
        self.replicated = False         # there was a last-received hold
        self.late = None                # the SendCompleted of the fault "overlap"

    # --- what happens beside the steps ---

    def tick(self):
        self.clock += 1
        return self.clock

    def act(self, action, which=0):
        if action == "snapshot":
            at = self.tick()
            self.ours[at] = at
        elif action == "bookmark":
            if self.ours:
                guid = list(self.ours)[which % len(self.ours)]
                self.marks["mark%d" % guid] = (guid, self.ours[guid])
        else:
            side = self.ours if "sender" in action else self.theirs
            some = list(side) if "every" in action else \
                list(side)[which % len(side):][:1] if side else []
            for guid in some:
                self.destroy(side, guid)

    def destroy(self, side, guid):
        if side is self.ours:
            busy = self.keep_all or guid in self.holds or guid in self.sending
        else:
            busy = guid in self.their_holds or (self.partial and
                                                guid == self.partial[0])
        if not busy:
            del side[guid]
            self.destroyed = True

    # --- a step ---

    def at(self, number, point):
        if self.stop is None or self.stop[:2] != (number, point):
            return
        actions, self.stop = self.stop[3], None
        if actions is None:
            raise Cut
        for action in actions:
            self.act(*action)

    def need(self, named):
        """A From or To on the sender."""
        if named is None:
            return
        guid, name = guid_of(named), named["Name"]
        if named.get("Type") == "Bookmark":
            there = self.marks.get(name, (None,))[0] == guid
        else:
            there = guid in self.ours and name == "s%d" % guid
        if not there:
            raise Gone("the sender no longer has %s" % name)

    def cursors(self, kind):
        return [name for name in self.marks if name.startswith(kind)]

    def mark(self, kind, guid):
        if guid not in self.ours:
            raise Gone("the sender no longer has s%d" % guid)
        self.marks[kind + str(guid)] = (guid, self.ours[guid])

    def send(self, request, number):
        start, to = request.get("From"), guid_of(request["To"])
        guarantee = guarantee_of(request)
        self.at(number, "before Send")
        self.need(start)
        self.need(request["To"])
        own = {to} if guarantee == "Resumability" and self.fault != "hold-to" else set()
        kept = set()
        from_snapshot = start and start.get("Type") != "Bookmark"
        if guarantee == "Resumability" and from_snapshot and self.fault != "hold-from":
            own.add(guid_of(start))
        if self.fault == "stale-first":
            self.holds.clear()
            self.at(number, "after Send's holds")
        if guarantee == "IncrementalReplication" and from_snapshot:
            self.mark("tentative", guid_of(start))
            kept.add("tentative%d" % guid_of(start))
        if self.fault != "tentative" and (
                guarantee == "IncrementalReplication" or
                guarantee == "Resumability" and not self.cursors("cursor")):
            self.mark("tentative", to)
            kept.add("tentative%d" % to)
        self.holds |= own
        self.at(number, "after Send's holds")
        self.holds &= own
        if start and self.fault != "from":
            kept.add(start["Name"])
        for name in self.cursors("tentative"):
            if name not in kept:
                del self.marks[name]
        if self.late:
            self.completed(self.late, number)
        self.at(number, "before the stream")

    def receive(self, request, number):
        start, to = guid_of(request.get("From")), guid_of(request["To"])
        self.need(request.get("From"))
        self.need(request["To"])
        begin = 0
        if "ResumeToken" in request:
            if self.partial is None or self.partial[:2] != (start, to):
                raise Refused("the receiver's partial state is not of this step")
            begin = self.partial[2]
        elif self.partial:              # ClearResumeToken
            if self.partial[3] == "Resumability":
                raise Broken("%d received blocks of s%d are sent again" %
                             (self.partial[2], self.partial[1]))
            self.partial = None
        if to in self.theirs or (list(self.theirs) or [None])[-1] != start:
            raise Refused("the receiver's newest snapshot is not what s%d starts from" % to)
        blocks = min(BLOCKS - 1, begin + (self.stop[2] if self.stop else 0))
        if blocks > 0:
            self.partial = (start, to, blocks, guarantee_of(request))
            self.exists = True
        self.sending = start, to
        self.at(number, "in the stream")
        self.sending, self.partial, self.exists = (), None, True
        self.theirs[to] = self.tick()
        self.at(number, "before the last-received hold")
        if self.fault == "received":
            self.their_holds.clear()
            self.at(number, "while both snapshots are held")
        if guarantee_of(request) != "Nothing":
            if to not in self.theirs:
                raise Refused("the received snapshot is gone")
            self.their_holds.add(to)
            self.replicated = True
        self.at(number, "while both snapshots are held")
        self.their_holds &= {to}

    def completed(self, request, number):
        self.late = None
        to, guarantee = guid_of(request["To"]), guarantee_of(request)
        self.need(request.get("From"))
        self.need(request["To"])
        txg = self.ours[to]
        if self.fault == "cursor":
            self.clear(lambda name: not name.startswith("mark"))
            self.holds.clear()
        elif guarantee != "Nothing":
            self.mark("cursor", to)
        self.at(number, "after the cursor is made")
        if self.fault == "cursor":
            self.mark("cursor", to)
        if self.fault != "unfinished":
            self.holds.clear()
        self.at(number, "after the step holds are released")
        self.clear(lambda name: name.startswith("tentative"))
        self.at(number, "before older cursors are destroyed")
        self.clear(lambda name: name.startswith("cursor") and self.marks[name][1] < txg)

    def clear(self, which):
        for name in list(self.marks):
            if which(name):
                del self.marks[name]

    def step(self, request, number, last):
        held = False
        try:
            self.send(request, number)
            held = guarantee_of(request) == "Resumability"
            self.receive(request, number)
            self.at(number, "before SendCompleted")
            if self.fault == "overlap" and not last:
                self.late = request
            else:
                self.completed(request, number)
        except Refused as why:
            if not self.destroyed or (held and isinstance(why, Gone)):
                raise Broken(str(why)) from None
            raise
        self.at(number, "after SendCompleted")

    # --- plans ---

    def listings(self, name):
        ours = [version("Snapshot", "s%d" % guid, guid, txg)
                for guid, txg in self.ours.items()]
        if self.fault != "bookmarks":
            ours += [version("Bookmark", mark, *what)
                     for mark, what in self.marks.items()]
        line = '{"Filesystem":"%s","Versions":[%s]}\n' % (name, ",".join(ours))
        if not self.exists:
            return line, ""
        theirs = [version("Snapshot", "s%d" % guid, guid, txg)
                  for guid, txg in self.theirs.items()]
        text = ""
        if self.partial and self.fault != "token":
            text = ',"ResumeToken":"%s"' % make_token(
                "%s@s%d" % (name, self.partial[1]), self.partial[1], self.partial[0] or "-")
        return line, '{"Filesystem":"%s","Versions":[%s]%s}\n' % (
            name, ",".join(theirs), text)

    def check(self, plan):
        """May this be the plan of this state?"""
        if plan["verdict"] in ("conflict", "error") and (self.ours or self.theirs):
            raise Broken("no way to go on: " + plan["message"])
        self.destroyed = False
        before = None
        for request in plan["steps"]:
            try:
                if before is None or request["From"] != before:
                    self.need(request.get("From"))
                self.need(request["To"])
            except Refused as why:
                raise Broken("planned: %s" % why) from None
            before = request["To"]
            if self.replicated and "From" not in request:
                raise Broken("%s is to be sent in full: the common snapshot is lost" %
                             before["Name"])

    def follow(self, plan, stop=None):
        self.check(plan)
        steps = plan["steps"]
        if stop:
            number, point, blocks, actions = stop
            self.stop = (number % (len(steps) or 1), point, blocks, actions)
        try:
            for number, request in enumerate(steps):
                self.step(request, number, number == len(steps) - 1)
        except (Cut, Refused):
            pass
        self.sending, self.late = (), None
        if self.stop:                   # there was no step
            for action in self.stop[3] or ():
                self.act(*action)
            self.stop = None


def life(pools, history):
    """A history, from plan to plan: yields whenever it needs one."""
    events = list(history)
    while events:
        kind, *what = events.pop(0)
        if kind == "run":
            pools.follow((yield))
        elif kind == "cut":
            pools.follow((yield), (*what, None))
        elif kind == "pause":
            plan = yield
            actions = []
            while events and events[0][0] not in ("run", "cut", "pause"):
                actions.append(events.pop(0))
            pools.follow(plan, (*what, actions))
        else:
            pools.act(kind, *what)
    pools.act("snapshot")
    target = pools.clock
    pools.follow((yield))
    if list(pools.theirs)[-1:] != [target]:
        raise Broken("the plan does not lead to s%d" % target)
    plan = yield
    if plan["verdict"] != "up-to-date":
        raise Broken("nothing is to be done, but the plan is: " + plan["verdict"])
    if pools.holds or pools.cursors("tentative") or pools.their_holds - {target} or \
            set(pools.cursors("cursor")) - {"cursor%d" % target}:
        raise Broken("holds or cursors are left: %r %r %r" % (
            pools.holds, pools.their_holds, pools.marks))
    if not pools.keep_all and (target not in pools.their_holds or
                               "cursor%d" % target not in pools.marks):
        raise Broken("s%d has no cursor, or no last-received hold" % target)


# --- histories ---

def actions(rng, most):
    some = []
    for _ in range(rng.randrange(most)):
        side = rng.choice(("sender", "sender", "receiver"))
        some.append(rng.choice([
            ("snapshot",), ("snapshot",), ("snapshot",), ("destroy one on the " + side,
                                                          rng.randrange(6)),
            ("destroy every one on the " + side,)]))
    if rng.random() < 0.05:
        some.append(("bookmark", rng.randrange(6)))
    return some


def stopped(rng, point):
    return (rng.choice(("cut", "cut", "pause")), rng.choice((0, 0, 1, 2)), point,
            rng.randrange(BLOCKS))


def variants(rng):
    """A history, with its first stop at each point in turn."""
    before = [("snapshot",)] + actions(rng, 4)
    if rng.random() < 0.6:
        before += [("run",), ("snapshot",)] + actions(rng, 4)
    first = stopped(rng, None)
    after = actions(rng, 5)
    while rng.random() < 0.5:
        after += [stopped(rng, rng.choice(POINTS))] + actions(rng, 5)
    return [before + [(*first[:2], point, first[3])] + after for point in POINTS]


def simpler(history):
    """What a history may be shortened to."""
    for at in range(len(history)):
        yield history[:at] + history[at + 1:]
    for at, (kind, *what) in enumerate(history):
        if kind == "pause":
            yield history[:at] + [("cut", *what)] + history[at + 1:]
        for which, value in enumerate(what):
            if isinstance(value, int) and value > (which == 2):
                less = what[:which] + [value - 1] + what[which + 1:]
                yield history[:at] + [(kind, *less)] + history[at + 1:]


class Runner:
    def __init__(self, fault, guarantee, policy):
        self.fault, self.keep_all = fault, guarantee == "nothing"
        self.arguments = ["-g", guarantee, "-I", policy]
        self.verdicts = {}

    def plans(self, pools):
        with tempfile.TemporaryDirectory() as directory:
            lines = [p.listings("f%d" % i) for i, p in pools.items()]
            for side in 0, 1:
                with open("%s/%d" % (directory, side), "w") as out:
                    out.writelines(line[side] for line in lines)
            done = subprocess.run(["zr-plan", "-j", *self.arguments, directory + "/0",
                                   directory + "/1"], stdout=subprocess.PIPE)
        if done.returncode not in (0, 1):
            sys.exit("zr-plan ended with status %d" % done.returncode)
        plans = [json.loads(line) for line in done.stdout.splitlines()]
        return {int(plan["filesystem"][1:]): plan for plan in plans}

    def run(self, histories):
        """Of each history that fails: its index and the reason."""
        pools = {i: Pools(self.fault, self.keep_all) for i in range(len(histories))}
        lives = {i: life(pools[i], h) for i, h in enumerate(histories)}
        plans, failed = dict.fromkeys(lives), {}
        while lives:
            for i in list(lives):
                try:
                    lives[i].send(plans[i])
                except (StopIteration, Broken) as end:
                    if isinstance(end, Broken):
                        failed[i] = str(end)
                    del lives[i], pools[i]
            if lives:
                plans = self.plans(pools)
                for plan in plans.values():
                    verdict = plan["verdict"]
                    self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        return failed

    def shortest(self, history):
        """A history that fails and cannot be made simpler, and why it does."""
        why = self.run([history])[0]
        while True:
            some = list(simpler(history))
            failed = self.run(some)
            if not failed:
                return history, why
            history, why = some[min(failed)], failed[min(failed)]


def main():
    options, operands = getopt.getopt(sys.argv[1:], "f:")
    fault = dict(options).get("-f")
    assert fault is None or fault in FAULTS
    count, rng = int(operands[0]), random.Random(int(operands[1]))
    runner = Runner(fault, operands[2], *(operands[3:] or ["all"]))
    while count > 0:
        some = []
        for _ in range(min(count, 300)):
            some += variants(rng)
        count -= 300
        failed = runner.run(some)
        if failed:
            history, why = runner.shortest(some[min(failed)])
            print(*[" ".join(map(str, event)) for event in history], why, sep="\n")
            sys.exit(1)
    print(" ".join("%s=%d" % item for item in sorted(runner.verdicts.items())))


main()
