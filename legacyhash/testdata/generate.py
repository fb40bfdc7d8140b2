"""Writes known.jsonl: hashes made by the original implementations.

    python3 generate.py >known.jsonl
    python3 generate.py crypt ldap >>known.jsonl     # some groups only
    python3 generate.py rewritings >rewritings.jsonl
    python3 generate.py --verify produced.jsonl

Needs passlib 1.7.4, bcrypt 3.2, argon2-cffi 21.1, Django 3.2, Werkzeug 2.2 (the
Debian packages python3-passlib, -bcrypt, -argon2, -django, -werkzeug), php (8.2),
ruby with ruby-bcrypt, and node with the npm packages firebase-scrypt,
aspnetcore-identity-password-hasher, drupal-hash, @phc/pbkdf2, bcryptjs, better-auth
and passport-local-mongoose. The newer groups need openssl, mkpasswd (whois), doveadm
(dovecot-core), slappasswd (slapd, slapd-contrib), and the packages wordpress 6.1 and
mediawiki 1.39, which need not be installed: WORDPRESS and MEDIAWIKI name where they
are unpacked. Where one of them has no such hash, a line's source says "layout of …":
it is computed here from the documented layout. Salts are random, so each run writes
other lines.

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
import unicodedata

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
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.SHA1PasswordHasher",
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


def output(*command, **env):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **env}).stdout.strip()


def phpcode(code, *args):
    return output(os.environ.get("PHP", "php"), "-r", code, "--", *args)


# What people type and origins change.
TYPED = PASSWORDS[:4] + ["it's me \"here\" \\o/", "<a & b>", PASSWORDS[6], PASSWORDS[7], "0123456789" * 10]


def crypt_lines():
    version = output("openssl", "version").split(" (")[0]
    for p in PASSWORDS:
        line("crypt", PLAIN, ph.sha512_crypt.using(rounds=1000).hash(p), p)
        line("crypt", PLAIN, ph.sha512_crypt.using(rounds=5000, salt_size=8).hash(p), p)
        line("crypt", PLAIN, ph.sha256_crypt.using(rounds=1234).hash(p), p)
        line("crypt", PLAIN, ph.sha256_crypt.using(rounds=5000, salt_size=0).hash(p), p)
        line("crypt", PLAIN, ph.md5_crypt.hash(p), p)
        line("crypt", PLAIN, ph.apr_md5_crypt.using(salt_size=4).hash(p), p)
    for p in PASSWORDS[:5]:
        for option in ("-6", "-5", "-1", "-apr1"):
            line("crypt", version + " passwd", output("openssl", "passwd", option, p), p)
        line("crypt", "PHP crypt, as Moodle", phpcode("echo crypt($argv[1], '$6$rounds=10000$' . bin2hex(random_bytes(8)));", p), p)
        for method in ("sha512crypt", "sha256crypt", "md5crypt"):
            line("crypt", "libxcrypt, mkpasswd", output("mkpasswd", "-m", method, p), p)
    line("crypt", "libxcrypt, mkpasswd, the longest", output("mkpasswd", "-m", "sha512crypt", "x" * 511), "x" * 511, "x" * 510)
    line("crypt", PLAIN + ", longer than libxcrypt takes", ph.sha512_crypt.using(rounds=1000).hash("x" * 511), "x" * 511, "x" * 512)


def weak_lines():
    class Bare(hashers.UnsaltedMD5PasswordHasher):
        pass

    for p in PASSWORDS:
        if p:
            for method in ("md5", "sha1", "sha256", "sha512"):
                line("werkzeug", WERKZEUG, generate_password_hash(p, method, salt_length=8), p)
        for hasher in (hashers.MD5PasswordHasher(), hashers.SHA1PasswordHasher()):
            line("django", DJANGO, hasher.encode(p, "saltsalt"), p)
        for hasher in (hashers.UnsaltedSHA1PasswordHasher(), Bare()):
            line("django", DJANGO, hasher.encode(p, ""), p)
        line("django", DJANGO, "md5$$" + Bare().encode(p, ""), p)
    for p in PASSWORDS[:5]:
        for method in ("sha224", "sha384"):
            line("werkzeug", WERKZEUG, generate_password_hash(p, method), p)


PHC = """
require("@phc/pbkdf2").hash(process.argv[1], {iterations: 1000, digest: process.argv[2]}).then(console.log);
"""


def phc_lines():
    for p in PASSWORDS:
        for name, length in (("sha256", 32), ("sha512", 64), ("sha512", 32), ("sha256", 64)):
            salt = os.urandom(16)
            digest = hashlib.pbkdf2_hmac(name, p.encode(), salt, 1000, length)
            text = tuple(b64(b).rstrip("=") for b in (salt, digest))
            line("pbkdf2", "layout of the PHC string format", "$pbkdf2-%s$i=1000,l=%d$%s$%s" % (name, length, *text), p)
            if length >= hashlib.new(name).digest_size:
                text = tuple(t.replace("+", ".") for t in text)
                line("pbkdf2", "layout of passlib, digest of another length", "$pbkdf2-%s$1000$%s$%s" % (name, *text), p)
    nul = "pass\0word"
    line("pbkdf2", PLAIN, ph.pbkdf2_sha256.using(rounds=1000).hash(nul), nul, "pass")
    line("pbkdf2", PLAIN, ph.pbkdf2_sha256.using(rounds=1000).hash("at the end\0"), "at the end\0", "at the end\0.")
    line("scrypt", PLAIN, ph.scrypt.using(rounds=5).hash(nul), nul, "pass")
    line("argon2i", PLAIN, ph.argon2.using(type="I", memory_cost=64, time_cost=2).hash(nul), nul, "pass")
    line("django", DJANGO, hashers.get_hasher("pbkdf2_sha256").encode(nul, "saltsalt", 1000), nul, "pass")
    line("werkzeug", WERKZEUG, generate_password_hash(nul, "pbkdf2:sha256:1000"), nul, "pass")


def ldap_lines():
    module = {"PBKDF2": "pw-pbkdf2", "SHA2": "pw-sha2", "SHA3": "pw-sha2", "SHA5": "pw-sha2", "SSHA": "pw-sha2", "ARGO": "argon2"}
    for p in PASSWORDS:
        for scheme in (ph.ldap_salted_sha1, ph.ldap_salted_md5, ph.ldap_sha1, ph.ldap_md5):
            line("ldap", PLAIN, scheme.hash(p), p)
        for scheme in (ph.ldap_salted_sha256, ph.ldap_salted_sha512):
            line("ldap", PLAIN, scheme.using(salt_size=8).hash(p), p)
        for scheme in (ph.ldap_pbkdf2_sha1, ph.ldap_pbkdf2_sha256, ph.ldap_pbkdf2_sha512):
            line("ldap", PLAIN, scheme.using(rounds=1000).hash(p), p)
        line("ldap", PLAIN, ph.ldap_sha512_crypt.using(rounds=1000).hash(p), p)
    for p in PASSWORDS[:5]:
        for scheme in ("SSHA", "SHA", "SMD5", "MD5", "SSHA256", "SSHA384", "SSHA512", "SHA256", "SHA384", "SHA512",
                       "PBKDF2", "PBKDF2-SHA1", "PBKDF2-SHA256", "PBKDF2-SHA512", "ARGON2"):
            name = module.get(scheme[:6], module.get(scheme[:4])) if len(scheme) > 4 else None
            load = ["-o", "module-load=" + name + (" m=64 t=2 p=1" if name == "argon2" else "")] if name else []
            line("ldap", "OpenLDAP 2.5 slappasswd", output("slappasswd", *load, "-h", "{%s}" % scheme, "-s", p), p)
        line("ldap", "OpenLDAP 2.5 slappasswd", output("slappasswd", "-h", "{CRYPT}", "-c", "$6$%.16s", "-s", p), p)
        line("ldap", "OpenLDAP 2.5 slappasswd", output("slappasswd", "-h", "{CRYPT}", "-c", "$1$%.8s", "-s", p).replace("{CRYPT}", "{crypt}"), p)
        for scheme in ("SSHA", "SSHA256", "SSHA512", "SMD5", "SHA", "SHA256", "SHA512", "LDAP-MD5", "PLAIN-MD5", "PBKDF2",
                       "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "CRYPT"):
            line("ldap", "Dovecot 2.3 doveadm", output("doveadm", "pw", "-s", scheme, "-p", p), p)
        line("ldap", "Dovecot 2.3 doveadm", output("doveadm", "pw", "-s", "BLF-CRYPT", "-r", "4", "-p", p), p)
        line("ldap", PLAIN + ", layout of Dovecot", "{ARGON2ID}" + ph.argon2.using(type="ID", memory_cost=64, time_cost=2, parallelism=1).hash(p), p)
        line("ldap", PLAIN + ", layout of Dovecot", "{ARGON2I}" + ph.argon2.using(type="I", memory_cost=64, time_cost=2, parallelism=1).hash(p), p)


# What WordPress documents for 6.8, as a login calls it: $argv[1] is what was typed.
WP68 = """
$p = base64_encode(hash_hmac('sha384', trim(addslashes($argv[1])), 'wp-sha384', true));
echo '$wp', password_hash($p, PASSWORD_BCRYPT, ['cost' => 4]);
"""
WP61 = """
require getenv('WORDPRESS') . '/wp-includes/class-phpass.php';
$hasher = new PasswordHash(8, true);
echo $hasher->HashPassword(trim(addslashes($argv[1])));
"""


def wordpress_lines():
    for p in TYPED:
        if p == p.strip():
            line("wordpress", "PHP " + phpcode("echo PHP_VERSION;") + ", layout of WordPress 6.8", phpcode(WP68, p), p)
            line("wordpress", "WordPress 6.1 class-phpass.php", phpcode(WP61, p), p)
            line("wordpress", "PHP, layout of WordPress before 2.5", phpcode("echo md5(addslashes($argv[1]));", p), p)
    line("wordpress", "PHP, layout of WordPress 6.8, which trims a new password only", phpcode(WP68, " both ends "), "both ends", " both ends ")
    line("wordpress", "WordPress 6.1, which trims a new password only", phpcode(WP61, " both ends "), "both ends", " both ends ")


DRUPAL = """
const d = require("drupal-hash");
console.log(d.hashPassword(process.argv[1]));
"""


def drupal(password, log):
    chars = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    salt = "".join(chars[b & 63] for b in os.urandom(8))
    password = password.encode()
    digest = hashlib.sha512(salt.encode() + password).digest()
    for _ in range(1 << log):
        digest = hashlib.sha512(digest + password).digest()
    text = ""
    for i in range(0, 64, 3):
        n = int.from_bytes(digest[i:i + 3], "little")
        text += "".join(chars[n >> 6 * j & 63] for j in range(4))
    return "$S$" + chars[log] + salt + text[:43]


def drupal_lines():
    line("drupal", "published: hashcat's example of mode 7900", "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf", "hashcat")
    for p in TYPED + PASSWORDS[4:6] + ["x" * 512]:
        line("drupal", "layout of Drupal 7", drupal(p.strip(), 8), p, "." + p[1:])
        line("drupal", "layout of Drupal 7, from Drupal 6", "U" + drupal(hashlib.md5(p.strip().encode()).hexdigest(), 7), p, "." + p[1:])
    for p in TYPED[:4]:
        line("drupal", "npm drupal-hash 1.0.4", output("node", "-e", DRUPAL, p), p)
    line("drupal", "layout of Drupal 7, longer than it takes", drupal("x" * 512, 7), "x" * 512, "x" * 513)


# MediaWiki's own classes, and its own normalising of what is typed.
MEDIAWIKI = """
$mw = getenv('MEDIAWIKI');
require "$mw/vendor/autoload.php";
foreach (['exception/MWException', 'utils/MWCryptRand', 'password/Password', 'password/PasswordError', 'password/PasswordFactory',
	'password/ParameterizedPassword', 'password/InvalidPassword', 'password/MWOldPassword', 'password/MWSaltedPassword',
	'password/Pbkdf2Password', 'password/Argon2Password'] as $file) {
	require_once "$mw/includes/$file.php";
}
$factory = new PasswordFactory();
$factory->register('A', ['class' => MWOldPassword::class]);
$factory->register('B', ['class' => MWSaltedPassword::class]);
$factory->register('pbkdf2', ['class' => Pbkdf2Password::class, 'algo' => $argv[3], 'cost' => '1000', 'length' => $argv[4]]);
$factory->register('argon2', ['class' => Argon2Password::class, 'algo' => 'auto', 'memory_cost' => 64, 'time_cost' => 2]);
$factory->setDefaultType($argv[2]);
echo $factory->newFromPlaintext(UtfNormal\\Validator::cleanUp($argv[1]), $factory->newFromType($argv[2]))->toString();
"""


def mediawiki_lines():
    for p in TYPED + PASSWORDS[4:6]:
        for kind, *args in (("A",), ("B",), ("pbkdf2", "sha512", "64"), ("pbkdf2", "sha256", "128"), ("argon2",)):
            line("mediawiki", "MediaWiki 1.39", phpcode(MEDIAWIKI, p, kind, *(args or ["", ""])), p)
    line("mediawiki", "MediaWiki 1.39, typed in NFD", phpcode(MEDIAWIKI, "caf\u00e9", "B", "", ""), "cafe\u0301", "cafe")


def digest_lines():
    md5, sha1, sha256, sha512 = (lambda text, h=h: h(text.encode()).hexdigest() for h in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512))
    salt = "s4lt!"
    for p in PASSWORDS:
        for expression, stored in (
                ("md5(p)", md5(p)), ("sha1(p)", sha1(p)), ("sha256(s.p)", sha256(salt + p)), ("md5(p.s)", md5(p + salt)),
                ("md5(md5(p).s)", md5(md5(p) + salt)), ("md5(md5(s).md5(p))", md5(md5(salt) + md5(p))),
                ("sha1(s.sha1(s.sha1(p)))", sha1(salt + sha1(salt + sha1(p)))), ("sha512(s.p.s)", sha512(salt + p + salt))):
            line("digest", "Python " + sys.version.split()[0] + " hashlib", "$digest$%s$%s$%s" % (expression, salt.encode().hex() if "s" in expression.replace("sha", "") else "", stored), p)


def rewriting(system, source, typed, **row):
    print(json.dumps({"system": system, "source": source, "row": row, "password": typed}))


BETTER = """
import("better-auth/crypto").then(async m => console.log(await m.hashPassword(process.argv[1])));
"""
METEOR = """
const sum = require("crypto").createHash("sha256").update(process.argv[1]).digest("hex");
console.log(require("bcryptjs").hashSync(sum, 4));
"""
PASSPORT = """
const {pbkdf2Sync, randomBytes} = require("crypto");
const salt = randomBytes(32).toString("hex");
console.log(salt, pbkdf2Sync(process.argv[1], salt, 1000, 512, "sha256").toString("hex"));
"""
PHPBB = """
$p = htmlspecialchars(str_replace(["\\r\\n", "\\r", "\\0"], ["\\n", "\\n", ''], $argv[1]), ENT_COMPAT, 'UTF-8');
if ($argv[2] === 'phpass') {
	require getenv('WORDPRESS') . '/wp-includes/class-phpass.php';
	$hasher = new PasswordHash(8, true);
	echo '$H$', substr($hasher->HashPassword($p), 3);
} else {
	echo password_hash($p, PASSWORD_BCRYPT, ['cost' => 4]);
}
"""


def rewriting_lines():
    for p in TYPED[:6]:
        raw = p.encode()
        rewriting("Meteor", "npm bcryptjs, layout of Meteor's accounts-password", p, bcrypt=output("node", "-e", METEOR, p))
        rewriting("better-auth", "npm better-auth", p, password=output("node", "-e", BETTER, p))
        salt, digest = output("node", "-e", PASSPORT, p).split()
        rewriting("passport-local-mongoose", "Node's crypto, layout of passport-local-mongoose", p, salt=salt, hash=digest)
        salt = os.urandom(16).hex()
        rewriting("Discourse", "layout of Discourse", p, salt=salt, password_hash=hashlib.pbkdf2_hmac("sha256", raw, salt.encode(), 1000, 32).hex(),
                  password_algorithm="$pbkdf2-sha256$i=1000,l=32$")
        salt = os.urandom(16)
        rewriting("Keycloak", "layout of Keycloak", p, secretData=json.dumps({"value": b64(hashlib.pbkdf2_hmac("sha256", raw, salt, 1000, 64)), "salt": b64(salt)}),
                  credentialData=json.dumps({"hashIterations": 1000, "algorithm": "pbkdf2-sha256"}))
        salt = os.urandom(16)
        rewriting("Keycloak", "layout of Keycloak", p, secretData=json.dumps({"value": b64(hashlib.pbkdf2_hmac("sha512", raw, salt, 1000, 64)), "salt": b64(salt)}),
                  credentialData=json.dumps({"hashIterations": 1000, "algorithm": "pbkdf2-sha512"}))
        rewriting("Auth0", PYBCRYPT, p, passwordHash=bcrypt.hashpw(raw, bcrypt.gensalt(4)).decode())
        rewriting("Nextcloud", "PHP password_hash, layout of Nextcloud", p, password="1|" + phpcode("echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 4]);", p))
        rewriting("Nextcloud", "PHP password_hash, layout of Nextcloud", p,
                  password="3|" + phpcode("echo password_hash($argv[1], PASSWORD_ARGON2ID, ['memory_cost' => 64, 'time_cost' => 2, 'threads' => 1]);", p))
        rewriting("Moodle", "PHP crypt", p, password=phpcode("echo crypt($argv[1], '$6$rounds=10000$' . bin2hex(random_bytes(8)));", p))
        rewriting("phpBB", "WordPress 6.1 class-phpass.php, layout of phpBB 3.0", p, user_password=phpcode(PHPBB, unicodedata.normalize("NFC", p), "phpass"))
        rewriting("phpBB", "PHP, layout of phpBB 3.1", p, user_password=phpcode(PHPBB, unicodedata.normalize("NFC", p), "bcrypt"))
        rewriting("vBulletin", "PHP, layout of vBulletin 3 and 4", p, salt="a#1", password=phpcode("echo md5(md5($argv[1]) . 'a#1');", p))
        rewriting("MyBB", "PHP, layout of MyBB", p, salt="x8Kd02Ma", password=phpcode("echo md5(md5('x8Kd02Ma') . md5($argv[1]));", p))
        rewriting("OpenCart", "PHP, layout of OpenCart", p, salt="s4ltS4lt0", password=phpcode("echo sha1('s4ltS4lt0' . sha1('s4ltS4lt0' . sha1($argv[1])));", p))
        rewriting("Magento", "PHP, layout of Magento 2", p, password_hash=phpcode("echo hash('sha256', 'salty' . $argv[1]), ':salty:1';", p))
        rewriting("Joomla", "PHP, layout of Joomla before 2.5.18", p, password=phpcode("echo md5($argv[1] . 'Q7x'), ':Q7x';", p))
        rewriting("LDIF", "OpenLDAP 2.5 slappasswd", p, userPassword=b64(output("slappasswd", "-h", "{SSHA}", "-s", p).encode()))
        rewriting("MD5 made stronger", PYBCRYPT, p, hash=bcrypt.hashpw(hashlib.md5(raw).hexdigest().encode(), bcrypt.gensalt(4)).decode())
    rewriting("Firebase", "published: github.com/firebase/scrypt", "user1password", salt="42xEC+ixf3L2lw==", passwordHash=FIREBASE_HASH)


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
    groups = {name.removesuffix("_lines"): f for name, f in list(globals().items()) if name.endswith("_lines")}
    rewritings = groups.pop("rewriting")
    for group in sys.argv[1:] or groups:
        rewritings() if group == "rewritings" else groups[group]()
