"""Flask-JWT-Extended itself, as the witness of package flaskjwt.

    /usr/bin/python3 testdata/witness.py vectors > testdata/vectors.json
    /usr/bin/python3 testdata/witness.py serve     (JSON on standard input, see serve)
"""
import datetime
import itertools
import json
import sys
import uuid

import flask
import flask_jwt_extended as fje
import flask_jwt_extended.tokens as tokens
import jwt
from flask_jwt_extended.config import config as fje_config

SECRET = "0123456789abcdef0123456789abcdef"
AT = 946688400  # 2000-01-01T01:00:00Z


def make_app(config):
    """The app of a service: whatever a request needs, with the settings given."""
    app = flask.Flask("witness")
    app.config.update({"JWT_SECRET_KEY": SECRET}, **config)
    manager = fje.JWTManager(app)
    manager.unauthorized_loader(lambda why: ({"error": why}, 401))
    manager.invalid_token_loader(lambda why: ({"error": why}, 422))

    def whoami():
        return flask.jsonify(identity=fje.get_jwt_identity(), claims=fje.get_jwt())

    app.add_url_rule("/any", "any", fje.jwt_required()(whoami))
    app.add_url_rule("/fresh", "fresh", fje.jwt_required(fresh=True)(whoami))
    app.add_url_rule("/refresh", "refresh", fje.jwt_required(refresh=True)(whoami))
    return app


def mint(config, identity, options, refresh=False):
    options = dict(options or {})
    drop = options.pop("drop", [])
    for name in ("fresh", "expires_delta"):
        if type(options.get(name)) in (int, float):
            options[name] = datetime.timedelta(seconds=options[name])
    with make_app(config).app_context():
        make = fje.create_refresh_token if refresh else fje.create_access_token
        token = make(identity, **options)
        if drop:  # as versions did that did not write them yet
            claims = jwt.decode(token, options={"verify_signature": False})
            claims = {name: value for name, value in claims.items() if name not in drop}
            token = jwt.encode(claims, fje_config.encode_key, fje_config.algorithm)
        return token


def serve():
    """{"mint": [{config, identity, options}], "use": [{config, token, path}]} in and answers out."""
    asked = json.load(sys.stdin)
    used = []
    for use in asked["use"] or []:
        app = make_app(use["config"])
        name, kind = app.config["JWT_HEADER_NAME"], app.config["JWT_HEADER_TYPE"]
        r = app.test_client().get(use["path"], headers={name: (kind + " " + use["token"]).strip()})
        used.append({"status": r.status_code, "body": r.get_json()})
    minted = [mint(m["config"], m["identity"], m["options"], m["refresh"]) for m in asked["mint"] or []]
    settings = sorted(name for name in make_app({}).config if name.startswith("JWT_"))
    json.dump({"minted": minted, "used": used, "settings": settings, "source": source()}, sys.stdout)


def source():
    return f"Flask-JWT-Extended {fje.__version__}, PyJWT {jwt.__version__}"


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(AT, tz)


def vectors():
    tokens.datetime = Fixed
    counter = itertools.count(1)
    uuid.uuid4 = lambda: uuid.UUID(int=next(counter), version=4)
    list_ = []

    def add(name, want, config=None, identity="42", refresh=False, **options):
        config = config or {}
        text = mint(config, identity, options, refresh)
        list_.append({
            "name": name,
            "secret": config.get("JWT_SECRET_KEY", SECRET),
            "issuer": config.get("JWT_DECODE_ISSUER") or "",
            "audience": config.get("JWT_DECODE_AUDIENCE") or "",
            "token": text,
            **want,
        })

    def refused(reason):
        return {"reason": reason}

    def accepted(user="42", auth=None, expires=AT + 900, issuer=""):
        return {"user": user, "auth_time": auth, "expires": expires, "identity_issuer": issuer}

    add("the defaults", accepted())
    add("fresh", accepted(auth=AT), fresh=True)
    add("fresh for a minute", accepted(auth=AT), fresh=60)
    add("fresh for 2.5 seconds", accepted(auth=AT), fresh=2.5)
    add("fresh until a minute ago", accepted(), fresh=-60)
    add("the tutorial's secret and three minutes", accepted(expires=AT + 180, user="7"), {"JWT_SECRET_KEY": "s3cr!", "JWT_ACCESS_TOKEN_EXPIRES": 180}, identity=7)
    add("an integer", accepted(user="9223372036854775807"), identity=9223372036854775807)
    add("an unsigned integer", accepted(user="18446744073709551615"), identity=18446744073709551615)
    add("a negative integer", accepted(user="-1"), identity=-1)
    add("zero", accepted(user="0"), identity=0)
    add("other scripts", accepted(user="홍길동 🦊 <&>\"\\"), identity="홍길동 🦊 <&>\"\\")
    add("additional claims", accepted(), additional_claims={"roles": ["a", "b"], "n": 1.5, "deep": {"x": None}})
    add("without csrf and nbf", accepted(), {"JWT_COOKIE_CSRF_PROTECT": False, "JWT_ENCODE_NBF": False})
    both = {"JWT_ENCODE_ISSUER": "https://a.example", "JWT_DECODE_ISSUER": "https://a.example", "JWT_ENCODE_AUDIENCE": "shop", "JWT_DECODE_AUDIENCE": "shop"}
    add("read from cookies too, with csrf", accepted(), {"JWT_TOKEN_LOCATION": ["headers", "cookies"]})
    add("issuer and audience", accepted(issuer="https://a.example"), both)
    add("two audiences", accepted(issuer="https://a.example"), {**both, "JWT_ENCODE_AUDIENCE": ["other", "shop"]})
    add("an issuer that nobody asks for", accepted(), {"JWT_ENCODE_ISSUER": "https://a.example"})

    add("a refresh token", refused("type"), refresh=True)
    add("a type of its own", refused("type"), additional_claims={"type": "other"})
    add("no expiry", refused("claims"), {"JWT_ACCESS_TOKEN_EXPIRES": False})
    add("a float", refused("claims"), identity=1.0)
    add("a bool", refused("claims"), identity=True)
    add("null", refused("claims"), identity=None)
    add("an object", refused("claims"), identity={"id": 1})
    add("no text", refused("claims"), identity="")
    add("half a surrogate pair", refused("claims"), identity="\ud800")
    add("not a number", refused("claims"), additional_claims={"x": float("nan")})
    add("an integer of 21 digits", refused("claims"), identity=10**20)
    add("another algorithm", refused("algorithm"), {"JWT_ALGORITHM": "HS512"})
    add("another header", accepted(), additional_headers={"kid": "1"})
    add("times with fractions", accepted(), additional_claims={"iat": AT + 0.25, "nbf": AT + 0.5, "exp": AT + 900.75})
    add("crit", refused("crit"), additional_headers={"crit": ["exp"]})
    add("another typ", refused("type"), additional_headers={"typ": "at+jwt"})
    add("no typ", refused("type"), additional_headers={"typ": None})
    add("another issuer", refused("issuer"), {**both, "JWT_ENCODE_ISSUER": "https://b.example"})
    add("no issuer", refused("claims"), {**both, "JWT_ENCODE_ISSUER": None})
    add("another audience", refused("audience"), {**both, "JWT_ENCODE_AUDIENCE": ["other"]})
    add("no audience", refused("audience"), {**both, "JWT_ENCODE_AUDIENCE": None})
    add("an audience that nobody asked for", refused("audience"), {"JWT_ENCODE_AUDIENCE": "shop"})
    add("an expiry before the issue", refused("claims"), expires_delta=-1)
    add("not yet valid", refused("not_yet_valid"), additional_claims={"nbf": AT + 6})
    add("issued in the future", refused("issued_in_future"), additional_claims={"iat": AT + 6})
    add("too large", refused("too_large"), additional_claims={"x": "x" * 8192})
    json.dump({"source": source(), "command": "/usr/bin/python3 testdata/witness.py vectors > testdata/vectors.json", "at": AT, "vectors": list_}, sys.stdout, indent=1, ensure_ascii=True)
    print()


{"vectors": vectors, "serve": serve}[sys.argv[1]]()
