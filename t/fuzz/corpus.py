#!/usr/bin/env python3
"""Writes seed inputs for the fuzzers, made from t/data: corpus.py DIRECTORY

DIRECTORY/TARGET/* in the form that t/fuzz/TARGET.c says.  Seeds are short, so
that the fuzzers stay fast: of what is long its beginning is taken.
"""
import pathlib
import struct
import subprocess
import sys
import zlib

here = pathlib.Path(__file__).resolve().parent
data = here.parent / "data"
out = pathlib.Path(sys.argv[1])
BANNER, LABEL, SHORT = 67, 64, 4096
KINDS = {b"/v1/ping": 0, b"/v1/send": 1, b"/v1/recv": 2}
# In the order of the library's table of methods.
METHODS = ("Ping", "Send", "Receive", "ListFilesystems", "ListFilesystemVersions",
           "DestroySnapshots", "ReplicationCursor", "SendDry", "SendCompleted")


def seed(target, name, content):
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / f"seed-{name}").write_bytes(content[:SHORT])


def frames(connection):
    while len(connection) >= 8:
        kind, length = struct.unpack(">II", connection[:8])
        yield kind, connection[8:8 + length]
        connection = connection[8 + length:]


def shorter_frames(connection):
    """The same connection with little in its long frames."""
    return b"".join(struct.pack(">II", kind, min(len(payload), 600)) + payload[:600]
                    for kind, payload in frames(connection))


def data_connections():
    for to_server in sorted(data.glob("recordings/*.data*.c2s.bin")):
        name = to_server.name[:-len(".c2s.bin")]
        request = to_server.read_bytes()
        answer = to_server.with_name(name + ".s2c.bin").read_bytes()
        kind = KINDS.get(dict(reversed(list(frames(request[BANNER + LABEL:])))).get(1), 3)
        seed("banner", f"{name}-request", request[:BANNER + LABEL])
        seed("dump", f"{name}-request", b"\0\x80" + request[:BANNER + LABEL] +
             shorter_frames(request[BANNER + LABEL:]))
        answered = answer[:BANNER] + shorter_frames(answer[BANNER:])
        seed("dump", f"{name}-answer", b"\1\x80" + answered)
        if kind < 3:
            seed("dump", f"{name}-answer-of-method", bytes([3 | kind << 2, 128]) + answered)
        request, answer = request[BANNER + LABEL:], answer[BANNER:]
        said = dict(reversed(list(frames(request))))
        for piece in (5, 255):
            seed("exchange", f"{name}-server-{piece}",
                 bytes([kind << 1, piece]) + shorter_frames(request))
            seed("exchange", f"{name}-client-{piece}",
                 bytes([kind << 1 | 1, piece]) + shorter_frames(answer))
        for number, (type_, odd) in enumerate(((2, 1), (4, 0))):
            if kind < 3 and said.get(type_) is not None:
                seed("pbjson", f"{name}-{number}",
                     bytes([128 | kind << 1 | odd]) + said[type_])


def control_connections():
    for to_server in sorted(data.glob("recordings/*.control.c2s.bin")):
        name = to_server.name[:-len(".c2s.bin")]
        request = to_server.read_bytes()
        answer = to_server.with_name(name + ".s2c.bin").read_bytes()
        seed("dump", f"{name}-request", b"\0\x80" + request)
        seed("dump", f"{name}-answer", b"\1\x80" + answer)
        seed("dump", f"{name}-answer-of-method", bytes([3 | METHODS.index("ListFilesystemVersions") << 2, 128]) + answer)
        request, answer = request[BANNER + LABEL:], answer[BANNER:]
        if request.startswith(b"PRI * "):
            seed("rpc_server", name, b"\0\xff" + request[24:])
            seed("rpc_server", f"{name}-preface", b"\1\x10" + request)
        seed("rpc_client", name, b"\xff" + answer)


JSON = {
    "Ping": '{"Message":"hello"}',
    "Send": '{"Filesystem":"tank/a","From":{"Type":"Bookmark","Name":"b","Guid":"1","CreateTXG":2,'
            '"Creation":"2024-01-01T00:00:00Z"},"To":{"Name":"c","Guid":"18446744073709551615"},'
            '"ResumeToken":"1-a-b-c","ReplicationConfig":{"protection":'
            '{"Initial":"GuaranteeResumability","Incremental":2}}}',
    "Receive": '{"Filesystem":"tank/\\u00e9\\ud83d\\ude00","To":{"Name":"c"},"ClearResumeToken":true}',
    "ListFilesystems": "{}",
    "ListFilesystemVersions": '{"Filesystem":"tank"}',
    "DestroySnapshots": '{"Filesystem":"tank","Snapshots":[{"Name":"a"},{"Name":"b","Guid":1e3}]}',
    "ReplicationCursor": '{"Filesystem":null}',
    "SendDry": '{"Filesystem":"tank","To":{}}',
    "SendCompleted": '{"OriginalReq":{"Filesystem":"tank"}}',
}
ANSWERS = {
    "Ping": '{"Echo":"\\n\\t\\\\"}',
    "Send": '{"UsedResumeToken":true,"ExpectedSize":"123"}',
    "ListFilesystems": '{"Filesystems":[{"Path":"a","ResumeToken":"t","IsPlaceholder":true}]}',
    "ListFilesystemVersions": '{"Versions":[{"Type":1,"Name":"n","Creation":"x"}]}',
    "DestroySnapshots": '{"Results":[{"Snapshot":{"Name":"a"},"Error":"dataset is busy"}]}',
    "ReplicationCursor": '{"Guid":"16045690984503098046"}',
}


def json_messages():
    for texts, odd in ((JSON, 1), (ANSWERS, 0)):
        for method, text in texts.items():
            seed("pbjson", f"json-{method}-{odd}",
                 bytes([METHODS.index(method) << 1 | odd]) + text.encode())


def streams():
    """Each stream's first records of every type, their payloads cut short."""
    for path in sorted(data.glob("streams/*.zstream")):
        stream, at, count, short = path.read_bytes(), 0, {}, b""
        while at + 312 <= len(stream) and len(short) < SHORT - 700:
            record = bytearray(stream[at:at + 312])
            kind, begin = struct.unpack("<II", record[:8])
            field, size = {
                0: (4, "<I"), 1: (28, "<I"), 3: (32, "<Q"), 7: (16, "<Q"),
                8: (52, "<I")}.get(kind, (None, None))
            if kind == 3 and record[50]:
                field = 96
            length = struct.unpack_from(size, record, field)[0] if field else 0
            if kind == 1:
                raw = struct.unpack_from("<I", record, 36)[0]
                field, length = (36, raw) if raw else (field, (length + 7) & ~7)
            if kind == 8:
                length = (length + 7) & ~7
            keep = min(length, 16 if kind else 1024)
            if field:
                struct.pack_into(size, record, field, keep)
            if kind == 0 and begin:
                seed("nvlist", path.stem, stream[at + 312:at + 312 + begin])
            count[kind] = count.get(kind, 0) + 1
            if count[kind] <= 2:
                short += bytes(record) + stream[at + 312:at + 312 + keep]
            at += 312 + length
        short += stream[-312:]
        for first in (0xff, 0x07):
            seed("zstream", f"{path.stem}-{first}", bytes([first]) + short)
        seed("zstream", f"{path.stem}-as-it-is", b"\x40" + stream)
        for first in (0, 1, 0x40):
            seed("stream_peek", f"{path.stem}-{first}", bytes([first]) + stream)


def resuming():
    """Behind the BEGIN of t/fuzz/splice.c: its anchor, and more, with any checksums."""
    def record(kind, form, *fields, payload=b""):
        packed = struct.pack("<II" + form, kind, 0, *fields)
        return packed + bytes(312 - len(packed)) + payload

    guid = 0x0102030405060708
    again = record(1, "Q", 2)
    anchor = record(3, "QIIQQ", 2, 0, 0, 0, 8, payload=bytes(8))
    more = record(3, "QIIQQ", 2, 0, 0, 8, 8, payload=b"12345678") + record(4, "QQQ", 2, 16, 2**64 - 1)
    end = record(5, "4QQ", 0, 0, 0, 0, guid)
    for name, content in (("whole", again + anchor + more + end), ("anchor", anchor + end),
                          ("again", again + again + record(4, "QQQ", 2, 0, 8) + anchor + again + end),
                          ("other", again + anchor[:-1] + b"x" + end), ("beyond", again + more + end),
                          ("none", again + end)):
        seed("splice", name, b"\1" + content)
    seed("splice", "in-pieces", b"\2" + again + anchor)


def tokens():
    texts = [path.read_text().strip() for path in sorted(data.glob("streams/*.resume-token.txt"))]
    for path in sorted(data.glob("tokens/*.tsv")):
        texts += [column for line in path.read_text().splitlines()
                  for column in line.split("\t") if column.startswith("1-")]
    for number, text in enumerate(texts):
        seed("resume_token", f"{number}", text.encode())
        try:
            packed = zlib.decompress(bytes.fromhex(text.split("-")[3]))
        except (ValueError, IndexError, zlib.error):
            continue
        seed("resume_token", f"{number}-inflated", packed)
        seed("nvlist", f"token-{number}", packed)


def lines():
    for number, text in enumerate((
            "tcp:[fe80::1%eth0]:8888", "tcp:0.0.0.0:0", "unix:/run/zr.sock", "tls:host:1",
            "ssh:user@[::1]:22", "exec:zr-x", "tcp:h:http", "fd:3", "tcp:a:99999")):
        seed("address", str(number), text.encode())
    for number, (client, table) in enumerate((
            ("10.1.2.3", "10.1.2.3=a\n10.0.0.0/8=net-*\n# comment\n\n::/0=six-*\n"),
            ("fe80::1%eth0", "fe80::/16%eth0=link-*\nfe80::1=b\nunix=c\n"),
            ("::ffff:10.0.0.1", "10.0.0.1=mapped\n0.0.0.0/0=any-*\n"),
            ("::1", "::1\n1.2.3.4/33=*\n::/129=**\n ::1=a/b\n"))):
        seed("identity_table", str(number), client.encode() + b"\0" + table.encode())
    for name, text in (
            ("version-8", b"0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0008 EXTENSIONS=0000\n"),
            ("extensions", b"0000000064 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0002\nabc\ndef\n"),
            ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n"), ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")):
        seed("banner", name, text)


def batches():
    for number, (odd, text) in enumerate((
            (1, '{"id":1,"method":"ListFilesystems","request":{}}'),
            (1, '{"id":"two","method":"Ping","request":{"Message":"\\u00e9\\n"}}'),
            (1, '{"id":[1,{"a":null}],"cancel":true}'), (1, '{"id":18446744073709551615,"method":"X"}'),
            (0, '{"id":1,"response":{"Filesystems":[{"Path":"a","IsPlaceholder":true}]}}'),
            (0, '{"id":2,"error":{"code":1,"status":"NOT_FOUND","message":"dataset does not exist"}}'),
            (0, '{"id":null,"error":{}}'), (0, '{"id":1.5e3,"response":0.1,"error":7}'))):
        seed("batch", str(number), bytes([odd]) + text.encode())


def zfs_get(name, kind, **properties):
    return "".join(f"{name}\t{key}\t{value}\t{'local' if ':' in key else '-'}\n"
                   for key, value in {"type": kind, **properties}.items())


def zfs_output():
    identity = {"guid": 5, "createtxg": 7, "creation": 1700000000}
    seed("zfs_get", "filesystems", (
        zfs_get("tank", "filesystem", **{"zrepl:placeholder": "on"}) +
        zfs_get("tank/a b", "volume", receive_resume_token="1-a-b-c", encryption="aes-256-gcm") +
        zfs_get("tank/c", "filesystem", receive_resume_token="-", encryption="off")).encode())
    versions = "".join(zfs_get(f"tank/a@{i}", "snapshot", **{**identity, "createtxg": i}, userrefs=2)
                       for i in range(1, 4))
    versions += "".join(zfs_get(f"tank/a#zrepl_{kind}_G_{5 + i:016x}_J_job", "bookmark",
                                **{**identity, "guid": 5 + j, "createtxg": i})
                        for kind in ("CURSOR", "CURSORTENTATIVE_") for i, j in ((1, 1), (2, 3)))
    versions += zfs_get("tank/a#zrepl_replication_cursor", "bookmark", **identity)
    holds = "".join(f"tank/a@{i}\tzrepl_{kind}_J_job\tSat Nov 22 10:43 2026\n"
                    for kind in ("STEP", "last_received") for i in range(1, 4))
    seed("zfs_get", "versions", versions.encode())
    for name, more in (("holds", ""), ("doubtful", "tank/a@1\tkeep\tnow\n")):
        seed("zfs_get", name, versions.encode() + b"\0" + (holds + more).encode())
    for number, (name, words) in enumerate((
            ("1", "cannot destroy snapshot tank/a@1: dataset is busy\n"),
            ("x: y", "cannot destroy 'tank/a@x: y': dataset does not exist\n"),
            ("1", "cannot destroy 'tank/a@1': it's being held. Run 'zfs holds -r tank/a@1' to see holders.\n"),
            ("tank/a@1", "tank/a@1\tkeep me\tSat Nov 22 10:43 2026\n"),
            ("1", "usage:\n\tzfs hold\ncannot open 'tank/a': permission denied\n"),
            ("1", "cannot receive: IV set guid mismatch.\ncannot hold: I/O error\n"))):
        seed("zfs_words", str(number), f"{name}\0{words}".encode())


def words():
    for number, text in enumerate(("0\n", "zfs send failed\n", "", "0", "\u00e9\n0\n", "x" * 3000)):
        seed("verdict", str(number), b"\1" + text.encode())
    for text in ("zrepl_control", "zrepl_data", "SSHCON_HELO", "SSHCON_BEGIN", "SSHCON_PROXY_ERROR",
                 "x" * 64, "a b", "-f"):
        seed("greeting", text[:20], text.encode())
    for number, text in enumerate((
            "tank<\n!tank/tmp<\ntank/tmp/keep\ntank/tmp/x\ntank", "<\n!tank\ntank/a b\n",
            "tank\n!tank<\n!tank/a<\ntank/a/b<\ntank/a/b/c")):
        seed("fs_filter", str(number), text.encode())
    for number, text in enumerate((
            "grid ^zr_ 1x1h(keep=all) | 24x1h | 14x1d\nlast_n 3 ^zr_\nnot_regex ^zr_\n",
            "grid . 2 x + 1d ( keep=3 )|2x +2 w\nregex a|b\nzr_1\n",
            "not_replicated drop_cursor\nlast_n 5\nx")):
        seed("rules", str(number), text.encode())
    for number, text in enumerate((
            "zrepl_CURSOR_G_0123456789abcdef_J_job", "zrepl_CURSORTENTATIVE__G_ffffffffffffffff_J_a b",
            "job", "x" * 200, "tank/a\0on",
            "tank/a\0" + "0123456789abcdef" * 4)):
        seed("zrepl_name", str(number), text.encode())


def certificates():
    """Codes: expired, no issuer, wrong name, wrong address, wrong purpose."""
    for number, (code, subject, names) in enumerate((
            (10, "/CN=web", "DNS:web"), (20, "/O=an office/CN=host.example", "DNS:*.example,IP:192.0.2.1"),
            (62, "/CN=one/CN=two", "DNS:a,email:b@c"), (64, "/O=none", "URI:zr://a"),
            (26, "/CN=" + "x" * 60, "DNS:" + "y" * 60))):
        der = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", subject,
             "-addext", "subjectAltName=" + names, "-outform", "DER"], check=True, capture_output=True).stdout
        for role in (0, 1):
            seed("certificate", f"{number}-{role}", bytes([code, number, role | 6, 40]) + der)


def records():
    for name, record in (
            ("full", '{"name":"one","guid":"1773106610190237946","from_guid":"0","createtxg":"10",'
                     '"creation":"2026-11-22T10:43:50Z","size":"1188000"}\n'),
            ("increment", '{"name":"four with space:and.dots_-","guid":"18446744073709551615",'
                          '"from_guid":"1","createtxg":"18446744073709551615",'
                          '"creation":"9999-12-31T23:59:59.5+00:00","size":"1"}'),
            ("odd", '{"size":"01","name":"a\\u002d","creation":"1970-01-01T00:00:00Z","guid":"7",'
                    '"from_guid":"7","createtxg":"0","more":[{}]}'),
            ("marked", '{"name":"one","guid":"1773106610190237946","from_guid":"0","createtxg":"10",'
                       '"creation":"2026-11-22T10:43:50Z","size":"1188000","arrival":"1","logical":"' + "09af" * 16 +
                       '","damaged":"2026-11-30T01:00:00Z"}\n'),
            ("raw", '{"name":"e","guid":"7","from_guid":"0","createtxg":"1","creation":"2026-11-22T10:43:50Z",'
                    '"size":"1188000","raw":"' + "0" * 64 + '"}\n')):
        seed("archive_record", name, record.encode())
    began = '{"began":"2026-11-30T01:00:00Z","streams":"12","bytes":"1234567"'
    for name, state in (("begun", ""), ("midway", ',"filesystem":"web/a/data","guid":"1773106610190237946"'),
                        ("finished", ',"finished":"2026-11-30T02:00:00Z"')):
        seed("archive_scrub_state", name, (began + state + "}\n").encode())


def events():
    start = '{"time":"2026-11-30T01:00:00Z","event":"start","job":"night","pid":1,"last_successful":"2026-11-29T01:00:10Z"}\n'
    one = '{"time":"2026-11-30T01:00:01Z","filesystem":"tank/a","event":"%s"%s}\n'
    for number, text in enumerate((
            start + one % ("plan", ',"steps":2,"base_creation":"2026-11-29T01:00:10Z"') +
            one % ("size", ',"to":"s1","bytes":1000') + one % ("size", ',"to":"s2","bytes":24') +
            one % ("step-begin", ',"to":"s1"') + one % ("progress", ',"bytes":600') +
            one % ("retry", ',"message":"lost","wait":0.5') + one % ("step-begin", ',"to":"s1"') +
            one % ("step-end", ',"bytes":400,"seconds":1.25,"creation":"2026-11-30T00:00:00+01:00"') +
            one % ("filesystem-end", ',"result":"replicated","bytes":1424') + one % ("summary", ',"code":0,"message":"x"'),
            start.replace('"pid"', '"dry_run":true,"pid"') + one % ("listed", "") +
            one % ("filesystem-end", ',"result":"failed","message":"\\u001b[2J\\n|\\"","bytes":18446744073709551614') +
            one % ("step-end", "") + one % ("summary", ',"code":130'),
            start + start + one % ("progress", ',"bytes":1') + one % ("later", ',"x":[{}]'))):
        seed("events", str(number), text.encode())


def compressed():
    """Zstandard frames: "hello", 600,000 NULs."""
    hello = bytes.fromhex("28b52ffd0058290000") + b"hello"
    nuls = bytes.fromhex("28b52ffd00585400001000000100fbff39c002020010000200100002001000033e0900")
    frame = lambda says, *pieces: struct.pack(">HH", says - 1, sum(map(len, pieces))) + b"".join(pieces)
    for piece in (0, 2, 255):
        start = bytes([piece])
        seed("compression", f"hello-{piece}", start + frame(5, hello))
        seed("compression", f"more-{piece}", start + frame(10, hello, hello) + frame(5, hello))
        seed("compression", f"cut-{piece}", start + frame(3, hello[:12]) + frame(2, hello[12:]))
        seed("compression", f"nuls-{piece}", start + frame(65535, nuls))
    begin = {0: ((1, b"/v1/recv"), (0x20000, b""), (2, b"\n\1a"), (0x20000, b"")),
             1: ((3, b"HANDLER OK\n"), (0x20000, b""), (0x20000, b""))}
    for role, before in begin.items():
        said = before + ((0x7a73, b"\0\0\0\5" + hello), (5, b"ab"), (0x7a73, b"\0\x08\0\0" + nuls), (0x20000, b""))
        said = b"".join(struct.pack(">II", kind, len(payload)) + payload for kind, payload in said)
        for piece in (0, 5, 255):
            seed("exchange", f"compressed-{role}-{piece}", bytes([8 | role | 2 << role % 2, piece]) + said)
        banner = b"0000000066 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-1\n"
        label = (data / "recordings" / "d04-receive-1MiB.data.c2s.bin").read_bytes()[BANNER:BANNER + LABEL]
        seed("dump", f"compressed-{role}", bytes([role, 128]) + banner + (label if role == 0 else b"") + said)


data_connections()
compressed()
control_connections()
json_messages()
streams()
resuming()
tokens()
lines()
batches()
zfs_output()
words()
events()
certificates()
records()
