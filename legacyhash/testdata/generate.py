"""Writes known.jsonl: hashes made by the original implementations.

    python3 generate.py >known.jsonl
    python3 generate.py --verify produced.jsonl

Needs passlib 1.7.4, bcrypt 3.2, argon2-cffi 21.1, Django 3.2, Werkzeug 2.2 (the
Debian packages python3-passlib, -bcrypt, -argon2, -django, -werkzeug), php (8.2),
ruby with ruby-bcrypt, and node with the npm packages firebase-scrypt and
aspnetcore-identity-password-hasher. Where one of them has no such hash, a line's
source says "layout of …": it is computed here with hashlib from the documented
layout. Salts are random, so each run writes other lines.

With --verify it reads hashes that this package made and has the originals check
them: it prints one line for each and fails if one does not verify.
"""

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys

import bcrypt
import django
import passlib
import werkzeug
from django.conf import settings
from passlib import hash as ph

settings.configure(PASSWORD_HASHERS=[
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.BCryptPasswordHasher",
])
from django.contrib.auth import hashers  # noqa: E402
from werkzeug.security import generate_password_hash  # noqa: E402

PASSWORDS = [
    "correct horse battery staple",
    "\ube44\ubc00\ubc88\ud638 1234",  # Hangul, NFC
    "\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169 1234",  # the same, NFD
    "\U0001f469\U0001f3fd\u200d\U0001f680 to the moon",
    "  spaces at both ends ",
    "",
    "x" * 71 + "y",
    "x" * 72 + "y",
    "0123456789" * 10,
]
PLAIN = "passlib " + passlib.__version__
DJANGO = "Django " + django.__version__
WERKZEUG = "Werkzeug " + werkzeug.__version__
PYBCRYPT = "bcrypt " + bcrypt.__version__
PEPPER = "a constant text"


def line(family, source, stored, password, wrong=None):
    """One hash, which verifies password and does not verify wrong."""
    if wrong is None:
        wrong = password + "." if len(password.encode()) < 70 else "." + password
    for text, match in ((password, True), (wrong, False)):
        print(json.dumps({"family": family, "source": source, "stored": stored, "password": text, "match": match}))


def b64(b):
    return base64.b64encode(b).decode()


def run(command, *args):
    return subprocess.run([*command.split(), *args], check=True, capture_output=True, text=True).stdout.strip()


def passlib_lines():
    for p in PASSWORDS:
        line("pbkdf2", PLAIN, ph.pbkdf2_sha256.using(rounds=1000).hash(p), p)
        line("pbkdf2", PLAIN, ph.pbkdf2_sha512.using(rounds=500, salt_size=24).hash(p), p)
        line("pbkdf2", PLAIN, ph.pbkdf2_sha1.using(rounds=1000).hash(p), p)
        line("scrypt", PLAIN, ph.scrypt.using(rounds=5, block_size=8, parallelism=2).hash(p), p)
        line("argon2i", PLAIN, ph.argon2.using(type="I", memory_cost=64, time_cost=2, parallelism=2).hash(p), p)
        line("bcrypt-sha256", PLAIN, ph.bcrypt_sha256.using(rounds=4).hash(p), p)
        line("bcrypt-sha256", PLAIN, ph.bcrypt_sha256.using(rounds=4, version=1).hash(p), p)
        line("bcrypt-sha256", PLAIN, ph.bcrypt_sha256.using(rounds=4, version=1, ident="2a").hash(p), p)
        line("bcrypt", PLAIN, ph.bcrypt.using(rounds=4, ident="2y").hash(p), p)
        line("phpass", PLAIN, ph.phpass.using(rounds=8).hash(p), p)
        line("phpass", PLAIN, ph.phpass.using(rounds=7, ident="H").hash(p), p)
        line("appended", PLAIN, ph.pbkdf2_sha256.using(rounds=1000).hash(p + PEPPER), p)
    line("pbkdf2", PLAIN, ph.pbkdf2_sha256.using(rounds=1000, salt_size=0).hash("password"), "password")
    line("bcrypt", PLAIN + ", cut at 72", ph.bcrypt.using(rounds=4).hash("x" * 72 + "y"), "x" * 72 + "z", "x" * 71)


def bcrypt_lines():
    for p in PASSWORDS:
        line("bcrypt", PYBCRYPT, bcrypt.hashpw(p.encode(), bcrypt.gensalt(4)).decode(), p)
        line("bcrypt", PYBCRYPT, bcrypt.hashpw(p.encode(), bcrypt.gensalt(5, b"2a")).decode(), p)
        salt = "$2a$04$" + bcrypt.gensalt(4).decode()[7:]
        line("devise", "ruby-bcrypt, layout of Devise",
             run(os.environ.get("RUBY", "ruby"), "-rbcrypt", "-e", "print BCrypt::Engine.hash_secret(ARGV[0], ARGV[1])", p + PEPPER, salt), p)


def php_lines():
    php = os.environ.get("PHP", "php")
    version = "PHP " + run(php, "-r", "echo PHP_VERSION;") + " password_hash, as Laravel"
    for p in PASSWORDS:
        code = "echo password_hash($argv[1], %s);"
        line("bcrypt", version, run(php, "-r", code % "PASSWORD_BCRYPT, ['cost' => 4]", "--", p), p)
        cheap = "['memory_cost' => 64, 'time_cost' => 2, 'threads' => 1]"
        line("argon2i", version, run(php, "-r", code % ("PASSWORD_ARGON2I, " + cheap), "--", p), p)
        line("argon2id", version, run(php, "-r", code % ("PASSWORD_ARGON2ID, " + cheap), "--", p), p)


def django_lines():
    for p in PASSWORDS:
        for name, iterations in (("pbkdf2_sha256", 1000), ("pbkdf2_sha1", 1000)):
            hasher = hashers.get_hasher(name)
            line("django", DJANGO, hasher.encode(p, hasher.salt(), iterations), p)
        argon = hashers.get_hasher("argon2")
        argon.memory_cost, argon.parallelism = 64, 2
        line("django", DJANGO, argon.encode(p, argon.salt()), p)
        for name in ("bcrypt", "bcrypt_sha256"):
            hasher = hashers.get_hasher(name)
            hasher.rounds = 4
            line("django", DJANGO, hasher.encode(p, hasher.salt()), p)
        salt = hashers.get_hasher("pbkdf2_sha256").salt()
        digest = hashlib.scrypt(p.encode(), salt=salt.encode(), n=64, r=8, p=2, dklen=64)
        line("django", "layout of Django 4.0", f"scrypt$64${salt}$8$2${b64(digest)}", p)
    argon2i = ph.argon2.using(type="I", memory_cost=64, time_cost=2, parallelism=2).hash("password")
    line("django", "layout of Django 1.10", "argon2" + argon2i, "password")


def werkzeug_lines():
    for p in PASSWORDS:
        for method in ("sha256:1000", "sha512:500", "sha1:1000"):
            line("werkzeug", WERKZEUG, generate_password_hash(p, "pbkdf2:" + method), p)
        salt = base64.b32encode(os.urandom(10)).decode()
        digest = hashlib.scrypt(p.encode(), salt=salt.encode(), n=64, r=8, p=1)
        line("werkzeug", "layout of Werkzeug 2.3", f"scrypt:64:8:1${salt}${digest.hex()}", p)


def spring_lines():
    for p in PASSWORDS:
        line("spring", PYBCRYPT + ", layout of Spring Security",
             "{bcrypt}" + bcrypt.hashpw(p.encode(), bcrypt.gensalt(4, b"2a")).decode(), p)
        for version, ln, length in (("", 6, 64), ("@SpringSecurity_v5_8", 7, 16)):
            salt = os.urandom(length)
            digest = hashlib.scrypt(p.encode(), salt=salt, n=1 << ln, r=8, p=1, dklen=32)
            line("spring", "layout of Spring Security", "{scrypt%s}$%x$%s$%s" % (version, ln << 16 | 8 << 8 | 1, b64(salt), b64(digest)), p)
        cheap = ph.argon2.using(type="ID", memory_cost=64, time_cost=2, parallelism=1).hash(p)
        line("spring", PLAIN + ", layout of Spring Security", "{argon2@SpringSecurity_v5_8}" + cheap, p)
    for p in PASSWORDS[:4] + PASSWORDS[-1:]:
        salt = os.urandom(8)
        digest = hashlib.pbkdf2_hmac("sha1", p.encode(), salt, 185000, 32)
        line("spring", "layout of Spring Security", "{pbkdf2}" + (salt + digest).hex(), p)
        salt = os.urandom(16)
        digest = hashlib.pbkdf2_hmac("sha256", p.encode(), salt, 310000, 32)
        line("spring", "layout of Spring Security", "{pbkdf2@SpringSecurity_v5_8}" + (salt + digest).hex(), p)
    for stored in ("$argon2id$v=19$m=4096,t=3,p=1$QUFBQUFBQUFBQUFBQUFBQQ$hmmTNyJlwbb6HAvFoHFWF+u03fdb0F2qA+39oPlcAqo",
                   "$argon2id$v=19$m=512,t=5,p=4$QUFBQUFBQUFBQUFBQUFBQQ$PNv4C3K50bz3rmON+LtFpdisD7ePieLNq+l5iUHgc1k"):
        line("spring", "published: Spring Security's Argon2PasswordEncoderTests", "{argon2}" + stored, "sometestpassword")


ASPNET = """
const {PasswordHasher, PasswordHasherCompatibilityMode} = require("aspnetcore-identity-password-hasher/build/PasswordHasher");
const mode = PasswordHasherCompatibilityMode;
(async () => {
  const p = process.argv[1];
  console.log(await new PasswordHasher(1000, mode.IdentityV2).hashPassword(p));
  console.log(await new PasswordHasher(1000, mode.IdentityV3).hashPassword(p));
})();
"""
FIREBASE = """
const {FirebaseScrypt} = require("firebase-scrypt");
const [signerKey, saltSeparator, password, salt] = process.argv.slice(1);
new FirebaseScrypt({memCost: 14, rounds: 8, saltSeparator, signerKey}).hash(password, salt).then(console.log);
"""
# The project of the example in the README of github.com/firebase/scrypt.
SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="


def node_lines():
    line("firebase", "published: github.com/firebase/scrypt", "$firebase-scrypt$42xEC+ixf3L2lw==$" + FIREBASE_HASH, "user1password")
    line("aspnet", "published: tests of npm aspnet-identity-pw",
         "APCBvv9IQMJuBVmuNQOVA+XPPPPtF5zhnghAWDad7JWdx9BDv7HjiFSjo+IgZu3/Xw==", '"Abc&123"')
    for p in PASSWORDS:
        if p and len(p) < 72:
            salt = b64(os.urandom(10))
            line("firebase", "npm firebase-scrypt 2.2.0", "$firebase-scrypt$%s$%s" % (salt, run("node", "-e", FIREBASE, SIGNER_KEY, "Bw==", p, salt)), p)
        for stored in run("node", "-e", ASPNET, p).split():
            line("aspnet", "npm aspnetcore-identity-password-hasher 1.0.1", stored, p)
        salt = os.urandom(16)
        digest = hashlib.pbkdf2_hmac("sha512", p.encode(), salt, 1000, 32)
        line("aspnet", "layout of ASP.NET Core 7", b64(struct.pack(">BIII", 1, 2, 1000, 16) + salt + digest), p)


def verify(path):
    originals = {"bcrypt": lambda p, h: bcrypt.checkpw(p.encode(), h.encode()),
                 "scrypt": ph.scrypt.verify, "pbkdf2-sha256": ph.pbkdf2_sha256.verify, "pbkdf2-sha512": ph.pbkdf2_sha512.verify}
    failed = 0
    with open(path) as file:
        for text in file:
            made = json.loads(text)
            check = originals[made["family"]]
            args = (made["password"], made["stored"])
            ok = check(*args) and not check(made["password"] + ".", made["stored"])
            failed += not ok
            print("ok" if ok else "FAILED", made["stored"])
    return failed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--verify"]:
        sys.exit(verify(sys.argv[2]))
    passlib_lines()
    bcrypt_lines()
    php_lines()
    django_lines()
    werkzeug_lines()
    spring_lines()
    node_lines()
