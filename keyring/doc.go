// Package keyring rotates the keys that sign tokens while services run. A
// [Directory] is an [auth.KeySource] that reads keys from a directory of files;
// every replica that reads the same files comes to the same keys by the clock
// alone, without talking to the others.
//
// # States
//
// The name of a key file says from when its key signs, in UTC:
//
//	20261201T000000Z.pem
//	20261201T000000Z-anything.jwk
//
// It ends in .pem, .jwk or .json, and holds one private key as [auth.ParseKey]
// reads it. From the moment it is there its key is published and verifies
// ([PrePublished]). At its time it becomes the one that signs ([Active]), until
// the next one's time; then it verifies until the last token that any replica
// may have signed with it has expired ([Retiring]), and no longer ([Retired]). A
// file without a time in its name holds a public key, which verifies while the
// file is there ([VerifyOnly]). Files of other names, hidden ones and folders are
// ignored; links are followed. Where no key's time has come the earliest signs.
//
// Clocks may be wrong by 5 seconds. With a lead of
//
//	Config.MaxAge + 2 Config.Poll + 10 s (by default 7m10s)
//
// between the appearance of a file and its time, no replica and nobody who
// caches the public keys for MaxAge meets a token whose key it does not know. A
// file that appears later than that while a Directory runs is taken for a lead
// later than its appearance, as long as another key can sign meanwhile. At the
// start names are believed: a Directory cannot know what it did not see.
//
// The retiring key verifies for Config.MaxTTL + 2 Config.Poll + 10 s (by default
// MaxTTL and 2m10s) after the next one's time. A Directory that is opened when the
// next key's file is younger than a lead allows for replicas to whom that key came
// late. A file, or a link to it, is as old as the later of its modification time
// and, on Unix, its change time (ctime), which cp -p and rsync -t cannot set back.
//
// # Rotation by the library
//
// With Config.Rotate the replicas make the files themselves, named …-auto.pem,
// one per period, whoever comes first, and remove them when they have been
// retired for a lead. The same replica must have found that at two readings that
// are another lead apart by its monotonic clock: one whose clock jumps ahead, and
// is set right within a lead, takes no key from the others. All replicas run as
// the same user, whom the directory lets write, on a file system with hard links:
// a local one, or NFS. Nothing is ever overwritten: when several make the same
// file, one wins and the others use that.
//
// A key is made within a window before it signs. The window begins 2 leads and
// 2 Poll before (by default 16m20s), and ends a lead, 2 Poll and 10 s before
// (9m20s). If no replica reads the directory in it the old key signs for another
// period.
//
// # Rotation by hand
//
// Well before its time, and under a name that nobody reads until it is complete:
//
//	openssl genpkey -algorithm ed25519 -out .new &&
//	mv -n .new 20261201T000000Z.pem
//
// or with [Generate]. The first key is named with any time that is past, such as
// 19700101T000000Z.pem. Remove a file when [Directory.Status] calls its key
// Retired. Do not rename files or replace their content: that is another key,
// which has just appeared.
//
// # Rights
//
// Who can write in the directory can sign: it belongs to the operator, or to the
// service's own user or group where Config.Rotate is used. It is refused when it
// is writable for others and not sticky. In one that is sticky, as Kubernetes makes
// volumes, files and links are refused unless they belong to root, to the owner of
// the directory or to the user whom the service runs as; where somebody else's
// replaces a known file, that counts as removed. Others can still do harm there: a
// file of theirs keeps a service from starting.
//
// A file with a private key is refused when others than its owner and its group
// have any right to it; the group may have, since that is how Kubernetes shares
// volumes (fsGroup). Its secrets are readable to all by default: mount them with
// defaultMode 0440. On Windows rights and owners are not looked at.
//
// Where a mount shows changes late (NFS by its acdirmax, Kubernetes by the
// kubelet's period, about a minute each), Poll must not be shorter than the
// delay.
//
// # Outages
//
// When the directory cannot be read, or has no key left that can sign, what is
// known goes on, and Config.OnError is told. It does no harm as long as it ends
// before a key signs that this replica has not seen. [Open] fails meanwhile, so
// nobody starts without keys; but with Config.Rotate an empty directory gets its
// first key, so a volume that is not mounted must not look like one: give Path as
// a folder inside of the volume. Lost files are best put back from a copy, all at
// once: with the first file that can sign, those that are not there count as
// removed, their tokens are refused, and users log in again.
//
// # A key that leaked
//
// Put another in the directory first, named with a time that is past, and then
// remove the file. A Directory in use, or in [Directory.Run], knows within Poll,
// any other when it is next asked; those who cache the public keys know MaxAge
// later. Until the new key has been there for a lead, the one before the removed
// one signs again, if its file is still there, or else the new one at once, which
// others may not know yet. The only key that can sign cannot be removed while a
// service runs, since that is what an outage looks like.
package keyring
