// Signs and verifies tokens with npm's jose and jsonwebtoken. Reads one request
// a line, as JSON, and writes one answer a line: {"token"} or {"claims"} or
// {"error"}. Runs on Node 18 and newer.
import { createPrivateKey, createPublicKey, createSecretKey } from 'node:crypto';
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';

const sets = new Map();

function keyOf(r) {
  if (r.url) {
    if (!sets.has(r.url)) sets.set(r.url, createRemoteJWKSet(new URL(r.url)));
    return sets.get(r.url);
  }
  if (r.secret) return createSecretKey(Buffer.from(r.secret, 'base64'));
  return r.op === 'sign' ? createPrivateKey(r.pem) : createPublicKey(r.pem);
}

const does = {
  jose: {
    async sign(r) {
      return { token: await new SignJWT(r.claims).setProtectedHeader(r.header).sign(keyOf(r)) };
    },
    async verify(r) {
      const { payload } = await jwtVerify(r.token, keyOf(r), {
        algorithms: [r.alg],
        issuer: r.issuer,
        audience: r.audience,
        typ: 'at+jwt',
        requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
      });
      return { claims: payload };
    },
  },
  jsonwebtoken: {
    async sign(r) {
      return { token: jsonwebtoken.sign(r.claims, keyOf(r), { algorithm: r.header.alg, header: r.header }) };
    },
    async verify(r) {
      const { header, payload } = jsonwebtoken.verify(r.token, keyOf(r), {
        algorithms: [r.alg],
        issuer: r.issuer,
        audience: r.audience,
        complete: true,
      });
      if (header.typ !== 'at+jwt') throw new Error('typ'); // which it leaves to its caller
      return { claims: payload };
    },
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const r = JSON.parse(line);
  let answer;
  try {
    answer = await does[r.library][r.op](r);
  } catch (e) {
    answer = { error: e.code ?? e.message };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
