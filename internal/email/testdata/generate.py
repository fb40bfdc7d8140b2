"""Writes email_validator_2.3.0.jsonl: what the Python library email_validator
2.3.0 answers to a few thousand addresses, which TestGolden holds Parse against.

Run it with a Python whose unicodedata is of Unicode 15.0 (Python 3.12), with
email_validator 2.3.0 and idna 3.13 installed or on PYTHONPATH:

    python3.12 generate.py > email_validator_2.3.0.jsonl

Each line is an object: "in", the address; and if the library accepts it, "out",
its normalized form, and "ascii", its ascii_email, if it has one. The inputs are
made here, from a fixed seed. Left out are code points that Unicode 15.0 does not
assign, and the deviations that the doc comment of Parse lists.
"""

import json
import random
import sys
import unicodedata

import email_validator

COUNT = 3400

rnd = random.Random(20250826)

assigned = [
    chr(i)
    for i in range(0x80, 0x110000)
    if unicodedata.category(chr(i)) not in ("Cn", "Cs", "Co")
]
by_category = {}
by_direction = {}
for c in assigned:
    by_category.setdefault(unicodedata.category(c), []).append(c)
    by_direction.setdefault(unicodedata.bidirectional(c), []).append(c)
decomposable = [c for c in assigned if unicodedata.decomposition(c)]

LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
ATOM = LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-/=?^_`{|}~"
OUTSIDE = '"(),:;<>@[\\] \t\r\n\x00\x7f\u00a0\u200b\u202e\ufeff\u2028\ue000'
STOPS = "....\u3002\uff0e\uff61\u2024\ufe52"
PECULIAR = (
    "ßẞςσΣİıſµμΐᾳᾼÅﬁﬅ㎏⒈℡ǅϒ\u0345\u037e\u0344\u0338\u00ad\u3164\u17b5"
    "ᎠꭰᏸӀႠℲↃ\U0002f868☺😀é한가か\u3099\u0308\u0327\u0958\u2adc"
)
CONTEXT = "l\u00b7\u0375αβ\u05f3\u05f4אב\u30fbあア漢٣۳بت\u200c\u200d\u094dक-1a"
SCRIPTS = ["абвгд", "αβγςσά", "אבגד", "ابتث", "あいアイ", "漢字国", "한글", "éüößñ", "कखग\u094d"]
ROLES = ["info", "sales", "Support", "ABUSE", "postMaster", "www", "ftp", "uucp", "admin"]
TOP = [
    "com", "org", "de", "gr", "xn--p1ai", "рф", "中国", "test", "invalid", "local", "localhost",
    "onion", "arpa", "in-addr.arpa", "example", "internal", "COM", "Test", "c0m", "co1", "c",
]
DOMAINS = [
    "1.2.3.4", "[1.2.3.4]", "[IPv6:::1]", "[", "localhost", "com", ".", "..", ".com", "com.",
    "a..com", "", "a.test", "b.xtest", "x.Localhost", "例え.テスト", "xn--.com", "xn--a.com",
    "xn--bcher-kva.ch", "XN--BCHER-KVA.CH", "ab--c.com", "éa--b.com", "a-.com", "-a.com",
]
WRAPPED = ["Bob <%s>", "<%s>", '"%s', "%s ", " %s", "%s\n", '"a b"%s', '"x"@%s', "%s@b.com", "a%s>"]


def pick(chars, low, high):
    return "".join(rnd.choice(chars) for _ in range(rnd.randint(low, high)))


def anything():
    kind = rnd.randrange(8)
    if kind == 0:
        return rnd.choice(assigned)
    if kind == 1:
        return rnd.choice(by_category[rnd.choice(list(by_category))])
    if kind == 2:
        return rnd.choice(PECULIAR)
    if kind == 3:
        return rnd.choice(decomposable)
    if kind == 4:
        return rnd.choice(CONTEXT)
    return rnd.choice(LOWER)


def many(low, high):
    return "".join(anything() for _ in range(rnd.randint(low, high)))


def marked():
    marks = by_category["Mn"]
    run = rnd.choice([1, 1, 2, 3, 30, 31, 33])
    if rnd.random() < 0.5:
        return rnd.choice("aeα") + rnd.choice("\u0301\u0308\u0327\u0330") * run
    return rnd.choice("aeα") + pick(marks, run, run)


def mutated(s):
    i = rnd.randrange(len(s) + 1)
    return s[:i] + rnd.choice(OUTSIDE + PECULIAR + ATOM) + s[i + rnd.randrange(2) :]


def a_label():
    s = "xn--" + pick(rnd.choice(SCRIPTS) + "ab-", 1, 7).encode("punycode").decode()
    kind = rnd.randrange(4)
    if kind == 0:
        return mutated(s)
    return s.upper() if kind == 1 else s


def label():
    kind = rnd.randrange(12)
    if kind < 2:
        return pick(LOWER, 1, 10)
    if kind == 2:
        return pick(LOWER, 61, 64)
    if kind == 3:
        return many(1, 5)
    if kind == 4:
        return pick(CONTEXT, 1, 5)
    if kind == 5:
        return "".join(rnd.choice(by_direction[rnd.choice(list(by_direction))]) for _ in range(3))
    if kind == 6:
        return pick("אבגבجدهو١٢12\u05b0\u064b-", 1, 6)
    if kind == 7:
        return marked()
    if kind == 8:
        return a_label()
    if kind == 9:
        return "".join(chr(ord(c) + 0xFEE0) for c in pick(LOWER, 1, 6))
    if kind == 10:
        return unicodedata.normalize(rnd.choice(["NFD", "NFKD"]), pick(decomposable, 1, 3))
    return pick(rnd.choice(SCRIPTS), 1, 6)


def domain():
    kind = rnd.randrange(20)
    if kind == 0:
        return rnd.choice(DOMAINS)
    if kind == 1:
        s = "com"
        while len(s) < 215:
            s = rnd.choice([pick(LOWER, 20, 50), "é" * rnd.randint(5, 20)]) + "." + s
        return pick(LOWER, 1, 40) + "." + s
    labels = [label() for _ in range(rnd.randint(1, 2))]
    s = "".join(part + rnd.choice(STOPS) if rnd.random() < 0.2 else part + "." for part in labels)
    return s + (rnd.choice(TOP) if rnd.random() < 0.9 else label())


def local():
    kind = rnd.randrange(9)
    if kind == 0:
        return pick(ATOM, 1, 12)
    if kind == 1:
        return rnd.choice(ROLES)
    if kind == 2:
        return many(1, 5)
    if kind == 3:
        return unicodedata.normalize(rnd.choice(["NFD", "NFC"]), pick(decomposable, 1, 3))
    if kind == 4:
        return marked()
    if kind == 5:
        return rnd.choice(["a", "é", "漢", "😀", "e\u0301"]) * rnd.choice([31, 32, 33, 63, 64, 65])
    if kind == 6:
        return ".".join(pick(LOWER, 0, 3) for _ in range(rnd.randint(1, 4)))
    if kind == 7:
        return pick(PECULIAR, 1, 5)
    return mutated(pick(LOWER, 1, 6))


def address():
    kind = rnd.randrange(10)
    if kind < 5:
        s = pick(LOWER, 1, 3) + "@" + domain()
    elif kind < 9:
        s = local() + "@example.com"
    else:
        s = local() + "@" + domain()
    if rnd.random() < 0.04:
        s = mutated(s)
    if rnd.random() < 0.03:
        s = rnd.choice(WRAPPED) % s
    return s


def deviates(s):
    before, _, after = s.partition("@")
    if unicodedata.normalize("NFC", before).isascii() and not before.isascii():
        return True
    labels = unicodedata.normalize("NFKC", after).casefold().split(".")
    return any(part.startswith("xn---") for part in labels)


def main():
    if email_validator.__version__ != "2.3.0" or unicodedata.unidata_version != "15.0.0":
        sys.exit("needs email_validator 2.3.0 and Unicode 15.0.0")
    seen = set()
    while len(seen) < COUNT:
        s = address()
        if s in seen or deviates(s):
            continue
        seen.add(s)
        line = {"in": s}
        try:
            answer = email_validator.validate_email(s, check_deliverability=False)
            # RFC 5321's limit, which 2.3 no longer enforces by default, and
            # counts in characters where it does.
            if len(answer.local_part.encode()) > 64:
                raise email_validator.EmailSyntaxError
        except email_validator.EmailSyntaxError:
            pass
        else:
            line["out"] = answer.normalized
            if answer.ascii_email is not None:
                line["ascii"] = answer.ascii_email
        print(json.dumps(line, separators=(",", ":")))


main()
