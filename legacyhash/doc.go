// Package legacyhash verifies the password hashes of other systems, so that a
// service can take over a user table and its users notice nothing. What is still
// recommended can also be produced; new services use [auth.Argon2id], the
// default, and do not need this package.
//
// A table is taken over with [Combine]: one hasher for new hashes and any number
// that only verify. Each login with a hash that is not the primary's replaces
// it, by compare-and-swap. Until its owner returns, a weak hash stays weak; a
// [Wrapper] makes it strong at once, without the password.
//
// # Formats
//
//	Argon2i         $argon2i$v=19$            argon2-cffi, passlib, PHP, Laravel
//	Bcrypt          $2a$ $2b$ $2y$            bcrypt, PHP, Laravel, Node, Ruby; produced
//	BcryptSHA256    $bcrypt-sha256$           passlib, versions 1 and 2
//	Devise          $2a$                      Devise for Rails, with its pepper
//	Scrypt          $scrypt$                  passlib and other PHC strings; produced
//	PBKDF2          $pbkdf2-sha256$ $pbkdf2-sha512$ $pbkdf2$   passlib; produced, not the last; also PHC's $i=…,l=…$
//	WordPress       $wp$2y$ $P$, an MD5       WordPress
//	Django          pbkdf2_sha256$ pbkdf2_sha1$ argon2$ scrypt$ bcrypt$ bcrypt_sha256$ sha1$ md5$
//	Werkzeug        pbkdf2: scrypt:           Flask; sha256$ sha1$ md5$ of old
//	Crypt           $6$ $5$ $1$ $apr1$        crypt(3), passlib's custom_app_context, Moodle, htpasswd
//	yescrypt.Hasher $y$                       crypt(3) of Debian and Ubuntu; the nested module legacyhash/yescrypt
//	LDAP            {SSHA} {SSHA512} {PBKDF2-SHA256} {CRYPT} …   OpenLDAP, Dovecot
//	Drupal          $S$ U$S$                  Drupal 7 to 10.0
//	MediaWiki       :pbkdf2: :argon2: :B: :A:
//	Spring          {bcrypt} {pbkdf2} {argon2} {scrypt}, and the last three @SpringSecurity_v5_8
//	PHPass          $P$ $H$                   Openwall's phpass
//	ASPNETIdentity  base64                    ASP.NET Core Identity 2 and 3
//	FirebaseScrypt  $firebase-scrypt$         Firebase Authentication
//	Digest          $digest$                  whatever is made of a digest or a few, such as md5(md5(p).s)
//	Appended        those of another hasher, of the password with a constant text behind it
//	Prepared        those of another hasher, of what a function makes of the password
//
// Laravel has no form of its own: its drivers are PHP's password_hash, so
// [Bcrypt], [Argon2i] and [auth.Argon2id] verify its rows.
//
// # Rewritings
//
// Some systems keep salt, rounds and digest apart, or something around the hash. What
// is in angle brackets is a column; base64 is the standard alphabet without padding.
//
//	Auth0                    <passwordHash>; Bcrypt
//	better-auth              scrypt:16384:16:1$<before the colon>$<behind it>; Prepared{norm.NFKC.String, Werkzeug{}}; Lucia too
//	Cognito                  none: it gives out no hashes. Send every user a link to set a password
//	Discourse                <password_algorithm>base64(<salt>)$base64(unhex(<password_hash>)); PBKDF2
//	Firebase                 $firebase-scrypt$<salt>$<passwordHash>; FirebaseScrypt
//	Joomla                   before 2.5.18: $digest$md5(p.s)$hex(<behind the colon>)$<before it>; Digest. Since: Bcrypt, PHPass
//	Keycloak                 $<algorithm>$i=<hashIterations>,l=<bytes of value>$base64(<salt>)$base64(<value>), both without padding; PBKDF2
//	LDIF                     userPassword:: decoded from base64 once; LDAP
//	Magento                  2: $digest$sha256(s.p)$hex(<second field>)$<first field>; Digest
//	MD5 made stronger        bcrypt over md5(password): as it is; Prepared{MD5Hex, Bcrypt{}}
//	Meteor                   <services.password.bcrypt>; Prepared{SHA256Hex, Bcrypt{}}
//	Moodle                   as it is; Crypt since 4.3, Bcrypt before; with $CFG->passwordpeppers: Appended
//	MyBB                     $digest$md5(md5(s).md5(p))$hex(<salt>)$<password>; Digest; Invision before 4 too
//	Nextcloud                without 1|, 2| or 3|; Bcrypt, Argon2i, auth.Argon2id
//	OpenCart                 $digest$sha1(s.sha1(s.sha1(p)))$hex(<salt>)$<password>; Digest; WoltLab 3 too
//	passport-local-mongoose  $pbkdf2-sha256$i=25000,l=512$base64(<salt>)$base64(unhex(<hash>)); PBKDF2
//	phpBB                    as it is; Prepared{PHPBBInput, PHPass{}} for $H$, Prepared{PHPBBInput, Bcrypt{}} for $2y$
//	vBulletin                3 and 4: $digest$md5(md5(p).s)$hex(<salt>)$<password>; Digest
//
// # What the origin did before
//
// Each type does what its origin does to a password at a login: WordPress escapes,
// Drupal trims, MediaWiki normalises. A service that lowered, trimmed, normalised or
// hashed passwords first has a [Prepared] around the type; [Slashed], [PHPBBInput],
// [SHA256Hex] and [MD5Hex] are for it, as are strings.ToLower and norm.NFKC.String.
//
// # Weak hashes
//
// Where a guess costs less than 10,000 rounds of a digest, Inspect says Weak. Such
// rows verify like any, and should not stay as they are until their owners return:
// wrap them, and end what is left by a date.
//
// # Caps
//
// A stored hash is hostile input. Whatever exceeds these caps is
// [auth.ErrMalformedHash] before any work, with the code hash_too_costly. The times
// are those of one core of a server at the cap, for a password of usual length.
//
//	any           1024 bytes of text
//	Argon2i       256 MiB, 16 passes, 1 GiB in all passes, 16 threads;
//	              salt 8 to 64 bytes, digest 16 to 64     256 MiB, 1 s
//	bcrypt        cost 4 to 15                              4 KiB, 2.5 s
//	scrypt        128·N·r at most 256 MiB, N·r·p 2^22,
//	              r and p 64                              256 MiB, 2.5 s
//	PBKDF2        5,000,000 rounds times blocks of the
//	              digest; with SHA-512 2,000,000                0, 1.5 s; 2 s
//	crypt(3)      1,000,000 rounds, passwords of 511 bytes      0, 0.4 s; 1.5 s for 511 bytes
//	PHPass        2^7 to 2^19 rounds                            0, 0.1 s; 4 s for 4096 bytes
//	Drupal        2^7 to 2^20 rounds, passwords of 512 bytes    0, 0.4 s; 1 s for 512 bytes
//	Digest        16 names, 4 levels, salt of 128 bytes         0, microseconds
//	Wrapper       the inner and the outer hash's, added
//
// Digests have exactly the length of their scheme, since one that is cut short would
// have many passwords, except Argon2's and PBKDF2's where the origin chooses it: at
// least 16 bytes, and then told in the hash, or at least the function's own.
//
// # Spelling
//
// Each hash has one spelling, the one that its origin writes; any other is
// ErrMalformedHash, so what is accepted is what would be written. passlib also
// verifies '+' for '.', padding, white space and numbers with leading zeros,
// which it never writes: these are refused, as are digits of hexadecimal in
// upper case, bits of base64 that no byte uses, and parameters in another order.
//
// # Passwords
//
// Passwords are UTF-8, byte for byte unless the type says otherwise. bcrypt alone reads
// no more than 72 bytes, see [Bcrypt]; passwords that were digested before, as in
// BcryptSHA256, are read whole. A NUL in a password is a byte like any other where the
// origin has it so: PBKDF2, scrypt, Argon2, digests. bcrypt and crypt(3) end there, and
// a password that has one is not verified. No new hash is made of one.
//
// # Errors
//
// Verify returns auth.ErrUnknownHash for a string that is not of the hasher's
// family, or its origin's mark for a user without a password, auth.ErrMalformedHash for
// one that is of it, but damaged or over the caps; Inspect is zero for both. An
// [*auth.HashError] says which, and of what scheme. All types are safe for concurrent
// use.
package legacyhash
