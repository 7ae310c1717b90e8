#!/usr/bin/env python3
"""page.py [DIRECTORY [PAGE]]: one page, PAGE.md and PAGE.svg (DIRECTORY/page), of what the benchmarks left in DIRECTORY (.) as
JSON.

It shows what is there.  A file that it does not know becomes tables of the objects in it, and a value that it
looks for and does not find is a dash.  beside.json (or else dataconn.json) is what is plotted.
"""
import glob
import html
import json
import os
import platform
import sys
import time

DASH = "–"
# What the first table shows: a contender's name, ours for it.
BESIDE = [("zr-dataconn Send", "**zr**, sending"), ("zr-dataconn Receive", "**zr**, receiving"),
          ("pump over zr-tls", "**zr**, TLS"), ("zrepl", "zrepl"),
          ("syncoid's pipe", "syncoid's pipe: lzop, mbuffer, ssh"), ("ssh, aes128-gcm", "ssh, alone"),
          ("socat", "socat"), ("mbuffer", "mbuffer"), ("nc", "nc")]


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return DASH if value is None else str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def ratio(one, other):
    both = all(isinstance(value, (int, float)) and value > 0 for value in (one, other))
    return f"{one / other:.2f}" if both else DASH


def cell(value):
    return number(value).replace("|", "\\|").replace("\n", " ")


def table(heads, rows):
    """The first column is text, the others are numbers."""
    if not rows:
        return []
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows] + [""]


def median(value):
    """Of a list of numbers; anything else is its own."""
    if isinstance(value, list) and value and all(isinstance(one, (int, float)) for one in value):
        value = sorted(value)
        return (value[(len(value) - 1) // 2] + value[len(value) // 2]) / 2
    return value


def columns(rows):
    """The keys of these objects whose values are one number or text, in their order."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [key for key in keys if not any(isinstance(median(row.get(key)), (list, dict)) for row in rows)]


def objects(rows, named=None):
    """A table of objects; a name for each comes from their place, or is a key of theirs."""
    keys = columns(rows)
    if named is None:
        keys.sort(key=lambda key: key not in ("name", "what", "program"))       # the others stay in order
        return table([key.replace("_", " ") for key in keys], [[median(row.get(key)) for key in keys] for row in rows])
    return table([""] + [key.replace("_", " ") for key in keys],
                 [[name] + [median(row.get(key)) for key in keys] for name, row in zip(named, rows)])


def anything(value):
    """Tables of whatever it is: facts in a line, a table of a list of objects or of an object of these."""
    if isinstance(value, list):
        return objects(value) if value and all(isinstance(one, dict) for one in value) else []
    if not isinstance(value, dict):
        return []
    inner = [one for one in value.values() if isinstance(one, dict)]
    if inner and len(inner) == len(value) and all(columns([one]) for one in inner):
        return objects(inner, list(value))
    facts = [f"{key.replace('_', ' ')}: {number(one)}" for key, one in value.items()
             if isinstance(one, (int, float, str))]
    lines = ["; ".join(facts) + ".", ""] if facts else []
    for key, one in value.items():
        found = anything(one)
        if found:
            lines += [f"{key.replace('_', ' ')}:", "", *found]
    return lines


# --- the files that are known ---

def contenders(data):
    rows, pump = data["contenders"], data["contenders"].get(data.get("pump"), {})
    lines = [f"{number(data.get('gib'))} GiB, medians of {number(data.get('runs'))}, "
             f"TCP's {data.get('congestion_control', DASH)}; the pump is \"{data.get('pump', DASH)}\".", ""]
    lines += table(["", "CPU s/GiB", "MiB/s", "CPU to the pump's", "rate to the pump's"], [
        [name, row.get("cpu_seconds_per_gib"), row.get("mib_per_second"),
         ratio(row.get("cpu_seconds_per_gib"), pump.get("cpu_seconds_per_gib")),
         ratio(row.get("mib_per_second"), pump.get("mib_per_second"))] for name, row in rows.items()])
    return lines + absent(data)


def absent(data):
    return ["Not here: " + ", ".join(data["absent"]) + ".", ""] if data.get("absent") else []


def tls(data):
    lines = contenders(data)
    cost = {name: row.get("cpu_seconds_per_gib") for name, row in data["contenders"].items()}
    cipher = next((value for name, value in cost.items() if name.startswith("bare ")), None)
    if None not in (cipher, cost.get("zr-tls alone"), cost.get("pump")):
        lines += [f"zr-tls alone costs {ratio(cost['zr-tls alone'], cost['pump'] + cipher)} of the CPU of pump and cipher "
                  f"together; with the pumps inside {ratio(cost.get('pump over zr-tls'), cost.get('ssh, aes128-gcm'))} "
                  "of that of ssh.", ""]
    return lines


def runs(data):
    """sync.json: whole runs; each beside syncoid's of the same kind."""
    theirs = {row["what"]: row for row in data if row["name"].startswith("syncoid")}
    return table(["", "what", "seconds", "CPU s", "processes", "CPU to syncoid's", "processes to syncoid's"], [
        [row["name"], row["what"], row.get("seconds"), row.get("cpu"), row.get("processes"),
         ratio(row.get("cpu"), theirs.get(row["what"], {}).get("cpu")),
         ratio(row.get("processes"), theirs.get(row["what"], {}).get("processes"))] for row in data])


def steps(data):
    def each(row, key, factor=1):
        return factor * row[key] / row["steps"] if row.get("steps") and row.get(key) is not None else None
    return table(["", "steps", "CPU s", "seconds", "CPU ms a step", "ms a step", "processes a step", "executions a step",
                  "KiB a step"], [
        [row.get("name"), row.get("steps"), row.get("cpu"), row.get("seconds"), each(row, "cpu", 1000),
         each(row, "seconds", 1000), each(row, "processes"), row.get("executions_per_step"), each(row, "octets", 1 / 1024)]
        for row in data])


def digests(data):
    return table(["", "CPU s/GiB", "to sha256sum's"], [
        [name, median(values), ratio(median(values), median(data.get("sha256sum")))] for name, values in data.items()])


def compression(data):
    """A row for each line and stream: what zr takes, and the others as ratios to it."""
    lines, names = data["lines"], list(data["lines"][0]["contenders"])
    plain, others = names[0], names[1:]

    def of(line, name):
        return ", ".join(f"{one:.2f}" for one in line["contenders"][name]["to_plain"])

    def whole(line):
        row = line["contenders"][plain]
        return f"{row['seconds']:.2f}, {row['cpu_seconds']:.2f}, {number(row['wire_bytes'] >> 20)}"
    return [f"{plain}: seconds, CPU seconds, MiB on the wire; the others: ratios to these.", ""] + table(
        ["line", "stream"] + [plain, *others],
        [[f"{line['mbit']:g} Mbit/s" if line["mbit"] else "no limit", line["stream"], whole(line)] +
         [of(line, name) for name in others] for line in lines]) + absent(data)


def distance(data):
    """A row for each line, the kinds of replication beside each other."""
    prefix, kinds = "s at ", data["steps"]
    lines = dict.fromkeys(key for kind in kinds for key in kind if key.startswith(prefix))
    shown = table(["100 tiny steps, seconds"] + [kind["name"] for kind in kinds],
                  [["round trips"] + [kind.get("round_trips") for kind in kinds]] +
                  [[line[len(prefix):]] + [kind.get(line) for kind in kinds] for line in lines])
    return anything({key: value for key, value in data.items() if value is not kinds}) + shown


def growth(data):
    lines = ["The exponent is that of the last decade: 1 is linear, above 1.2 is worse than n log n.", ""]
    for axis, part in data.items():
        sizes = max((row["sizes"] for row in part["rows"]), key=len, default=[])
        lines += table([f"{axis} {part.get('about', '')}, CPU s"] + [f"{size:,}" for size in sizes] +
                       ["exponent", "MiB", "at most", "processes", "at most"], [
            [row["name"]] + [row["cpu"][at] if at < len(row["cpu"]) else None for at in range(len(sizes))] +
            [row.get("exponent"), row["peak_kib"][0] / 1024, row["peak_kib"][-1] / 1024,
             row["processes"][0], row["processes"][-1]] for row in part["rows"]])
    return lines


KNOWN = [
    # File, heading, what shows it.
    ("dataconn", "A data connection", contenders),
    ("tls", "TLS", tls),
    ("tls-machine", "TLS, in the machine of check-zfs", tls),
    ("compression", "Compression between zr and zr", compression),
    ("distance", "Distance", distance),
    ("sync", "Whole runs on real ZFS", runs),
    ("replicate", "What a step costs", steps),
    ("listen", "Connections", anything),
    ("rpc", "Calls", anything),
    ("streamsum", "A digest of a stream", digests),
    ("growth", "Growth", growth),
]


def section(name, heading, show, data):
    """Of a file that says other things than it did: what can be shown of any."""
    try:
        lines = show(data)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        lines = anything(data)
    return [f"## {heading}", "", *(lines or [f"{name}.json has nothing that can be shown.", ""])]


# --- the first table and the plot ---

def beside(data):
    rows, pump = data["contenders"], data["contenders"].get(data.get("pump"), {})
    ssh = rows.get("ssh, aes128-gcm", {})

    def of(row, key, other):
        return ratio(row.get(key), other.get(key))
    cpu, rate = "cpu_seconds_per_gib", "mib_per_second"
    shown = [(ours, rows[name]) for name, ours in BESIDE if name in rows]
    lines = table(["", "CPU s/GiB", "MiB/s", "CPU to the pump's", "rate to the pump's", "CPU to ssh's", "rate to ssh's"], [
        [name, row.get(cpu), row.get(rate), of(row, cpu, pump), of(row, rate, pump), of(row, cpu, ssh), of(row, rate, ssh)]
        for name, row in [("a bare pump", pump), *shown]])
    lines += absent(data)
    if "zrepl" not in rows:
        lines += ["zrepl has no row: it moves streams only between its own daemons, on real ZFS, and none was here.", ""]
    return lines, [("a bare pump", pump), *shown]


def plot(rows, size):
    """Bars: the CPU of each beside the pump's, and its rate."""
    rows = [(name.replace("*", ""), row["cpu_seconds_per_gib"], row["mib_per_second"], name.startswith("*"))
            for name, row in rows if row.get("cpu_seconds_per_gib") and row.get("mib_per_second")]
    if not rows:
        return None
    high, left, width, gap = 24, 250, 210, 80
    half = width + gap
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + 2 * half} {high * (len(rows) + 2) + 14}" '
           'font-family="sans-serif" font-size="13">', '<rect width="100%" height="100%" fill="#fff"/>']

    def text(x, y, words, more=""):
        out.append(f'<text x="{x}" y="{y}" fill="#222"{more}>{html.escape(words)}</text>')
    text(10, 22, size)
    for at, heading in ((1, "CPU seconds per GiB (less is better)"), (2, "MiB/s (more is better)")):
        text(left + (at - 1) * half, 22, heading, ' font-weight="bold"')
        most = max(row[at] for row in rows)
        for line, row in enumerate(rows):
            y = high * (line + 1) + 14
            if at == 1:
                text(10, y + 15, row[0], ' font-weight="bold"' if row[3] else "")
            length = max(1, width * row[at] / most)
            out.append(f'<rect x="{left + (at - 1) * half}" y="{y}" width="{length:.1f}" height="{high - 6}" '
                       f'fill="{"#2a6fb0" if row[3] else "#b9c0c8"}"/>')
            text(f"{left + (at - 1) * half + length + 5:.1f}", y + 14, number(row[at]))
    return "\n".join(out + ["</svg>", ""])


def load(directory):
    files, broken = {}, []
    for path in sorted(glob.glob(f"{glob.escape(directory)}/*.json")):
        name = os.path.basename(path)[:-len(".json")]
        try:
            with open(path) as file:
                files[name] = json.load(file)
        except ValueError:
            broken.append(name)
    # What a data connection's side says of itself, and one program of the last run.
    for name in ("client", "server", "spent"):
        files.pop(name, None)
    return files, broken


def left_out(directory):
    """What the run has left out, and why: lines of the file left-out."""
    try:
        with open(f"{directory}/left-out") as file:
            return [line.strip() for line in file if line.strip()]
    except FileNotFoundError:
        return []


def main():
    directory = sys.argv[1] if sys.argv[1:] else "."
    page = sys.argv[2] if sys.argv[2:] else f"{directory}/page"
    files, broken = load(directory)
    lines = ["# What zr costs", "", "By `make bench`, which gives no verdict: numbers of one run, on one machine, with whatever "
             "else it was doing. Compare ratios; t/bench/README.md says what each benchmark does.", "",
             f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.system()} {platform.release()}.", ""]
    first = files.pop("beside", None) or files.get("dataconn")
    svg = None
    if isinstance(first, dict) and isinstance(first.get("contenders"), dict):
        found, rows = beside(first)
        svg = plot(rows, f"{number(first.get('gib'))} GiB, loopback TCP")
        lines += ["## Beside others", ""] + ([f"![CPU and rate of each]({os.path.basename(page)}.svg)", ""] if svg else []) + found
    known = {name for name, _, _ in KNOWN}
    for name, heading, show in KNOWN + [(name, name, contenders) for name in files if name not in known]:
        if name in files:
            lines += section(name, heading, show, files[name])
    lost = left_out(directory) + [f"{name}.json cannot be read" for name in broken]
    if lost:
        lines += ["## Left out", ""] + [f"- {line}" for line in lost] + [""]
    with open(f"{page}.md", "w") as file:
        file.write("\n".join(lines))
    if svg:
        with open(f"{page}.svg", "w") as file:
            file.write(svg)
    print(os.path.abspath(f"{page}.md"))


if __name__ == "__main__":
    main()
