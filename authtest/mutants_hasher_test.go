package authtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
)

// ASVS 5.0 6.2.8
func TestHasherMutants(t *testing.T) {
	suite := func(t *testing.T, newHasher func() auth.Hasher) { TestHasher(t, newHasher()) }
	mutants := append(cuttingMutants(), storedMutants()...)
	catch(t, suite, func() auth.Hasher { return Hasher{} }, append(mutants, otherHasherMutants()...))
}

type hasherMutant = mutant[auth.Hasher]

const (
	ruleMismatch = "a hash verifies no other password, however close"
	ruleLong     = "a long password is never cut"
	ruleInspect  = "Inspect describes what Hash makes"
	ruleGarbage  = "a string that is no hash is an error, never a match or a panic"
	ruleDamaged  = "Inspect is zero exactly where Verify returns an error"
	ruleBounded  = "no stored hash takes memory or time without bound"
	ruleSalted   = "every hash has a salt of its own"
	ruleReasons  = "a *HashError says one thing that is so"
)

// wrappedHasher is a Hasher with some methods replaced.
type wrappedHasher struct {
	Hasher
	hash    func(ctx context.Context, p auth.Password) (string, error)
	verify  func(ctx context.Context, encoded string, p auth.Password) (bool, error)
	inspect func(encoded string) auth.HashInfo
}

func (w *wrappedHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	if w.hash != nil {
		return w.hash(ctx, p)
	}
	return w.Hasher.Hash(ctx, p)
}

func (w *wrappedHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if w.verify != nil {
		return w.verify(ctx, encoded, p)
	}
	return w.Hasher.Verify(ctx, encoded, p)
}

func (w *wrappedHasher) Inspect(encoded string) auth.HashInfo {
	if w.inspect != nil {
		return w.inspect(encoded)
	}
	return w.Hasher.Inspect(encoded)
}

func wrapHasher(name, rule string, defect func(w *wrappedHasher, h Hasher)) hasherMutant {
	return hasherMutant{name, rule, func() auth.Hasher {
		w := &wrappedHasher{}
		defect(w, w.Hasher)
		return w
	}}
}

// cuttingMutants hash something else than the password.
func cuttingMutants() []hasherMutant {
	first := func(n int) func(string) string { return func(s string) string { return s[:min(n, len(s))] } }
	without := func(text string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, text, "") }
	}
	var mutants []hasherMutant
	for _, c := range []struct {
		name, rule string
		f          func(string) string
	}{
		{"the first 8 bytes", ruleMismatch, first(8)},
		{"the first 55 bytes", ruleLong, first(55)},
		{"the first 72 bytes", ruleLong, first(72)},
		{"the first 255 bytes", ruleLong, first(255)},
		{"the first 1024 bytes", ruleLong, first(1024)},
		{"the first 4095 bytes", ruleLong, first(4095)},
		{"what is before NUL", ruleMismatch, func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }},
		{"lower case", ruleMismatch, strings.ToLower},
		{"NFC", ruleMismatch, norm.NFC.String},
		{"NFD", ruleMismatch, norm.NFD.String},
		{"NFKC", ruleMismatch, norm.NFKC.String},
		{"no accents", ruleMismatch, withoutAccents},
		{"no spaces around", ruleMismatch, strings.TrimSpace},
		{"no line feed behind", ruleMismatch, func(s string) string { return strings.TrimSuffix(s, "\n") }},
		{"no line end behind", ruleMismatch, func(s string) string { return strings.TrimSuffix(s, "\r\n") }},
		{"no zero-width space", ruleMismatch, without("\u200b")},
		{"no soft hyphen", ruleMismatch, without("\u00ad")},
		{"no word joiner", ruleMismatch, without("\u2060")},
		{"no byte order mark", ruleMismatch, without("\ufeff")},
		{"invalid UTF-8 replaced", ruleMismatch, func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }},
		{"invalid UTF-8 replaced byte by byte", ruleMismatch, func(s string) string { return string([]rune(s)) }},
		{"invalid UTF-8 dropped", ruleMismatch, func(s string) string { return strings.ToValidUTF8(s, "") }},
		{"invalid UTF-8 read as Latin-1", ruleMismatch, latin1},
	} {
		cut := func(p auth.Password) auth.Password { return auth.NewPassword(c.f(p.Reveal())) }
		mutants = append(mutants, wrapHasher("hashes "+c.name, c.rule, func(w *wrappedHasher, h Hasher) {
			w.hash = func(ctx context.Context, p auth.Password) (string, error) { return h.Hash(ctx, cut(p)) }
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				return h.Verify(ctx, encoded, cut(p))
			}
		}))
	}
	return append(mutants,
		wrapHasher("Verify trims what Hash does not", "a hash verifies its password", func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				return h.Verify(ctx, encoded, auth.NewPassword(strings.TrimSpace(p.Reveal())))
			}
		}),
		wrapHasher("Verify normalises what Hash does not", "a hash verifies its password", func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				return h.Verify(ctx, encoded, auth.NewPassword(norm.NFC.String(p.Reveal())))
			}
		}),
	)
}

func latin1(s string) string {
	var b strings.Builder
	for i, c := range s {
		if c == '\ufffd' {
			c = rune(s[i])
		}
		b.WriteRune(c)
	}
	return b.String()
}

// storedMutants misread what is stored.
func storedMutants() []hasherMutant {
	verify := func(name, rule string, f func(encoded string, match bool, err error) (bool, error)) hasherMutant {
		return wrapHasher(name, rule, func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				match, err := h.Verify(ctx, encoded, p)
				return f(encoded, match, err)
			}
		})
	}
	return []hasherMutant{
		verify("the empty hash matches", ruleGarbage, func(encoded string, match bool, err error) (bool, error) {
			if encoded == "" {
				return true, nil
			}
			return match, err
		}),
		verify("the empty hash is no error", ruleGarbage, func(encoded string, match bool, err error) (bool, error) {
			if encoded == "" {
				return false, nil
			}
			return match, err
		}),
		verify("the empty hash is a panic", ruleGarbage, func(encoded string, match bool, err error) (bool, error) {
			_ = encoded[0]
			return match, err
		}),
		verify("no hash is some other error", ruleGarbage, func(_ string, match bool, err error) (bool, error) {
			if errors.Is(err, auth.ErrUnknownHash) {
				return false, errOther
			}
			return match, err
		}),
		verify("no hash is no error", ruleGarbage, func(_ string, match bool, err error) (bool, error) {
			if errors.Is(err, auth.ErrUnknownHash) {
				return false, nil
			}
			return match, err
		}),
		verify("a damaged hash is no error", ruleDamaged, func(_ string, match bool, err error) (bool, error) {
			if errors.Is(err, auth.ErrMalformedHash) {
				return false, nil
			}
			return match, err
		}),
		verify("a damaged hash is some other error", ruleDamaged, func(_ string, match bool, err error) (bool, error) {
			if errors.Is(err, auth.ErrMalformedHash) {
				return false, errOther
			}
			return match, err
		}),
		wrapHasher("a hash is read without its line feed", ruleDamaged, func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				return h.Verify(ctx, strings.TrimSuffix(encoded, "\n"), p)
			}
		}),
		wrapHasher("Inspect looks at the scheme only", ruleDamaged, func(w *wrappedHasher, h Hasher) {
			w.inspect = func(encoded string) auth.HashInfo {
				if strings.HasPrefix(encoded, "$"+scheme+"$") {
					encoded = ""
				}
				return h.Inspect(encoded)
			}
		}),
		costly("no cap on memory", func(n uint64) int64 { return int64(min(n, 1<<53)) << 10 }, func(uint64) {}),
		costly("no cap on time", func(uint64) int64 { return 1 << 10 }, func(n uint64) { time.Sleep(time.Microsecond << min(n, 50)) }),
		costly("a panic at high costs", func(uint64) int64 { return 1 << 10 }, func(n uint64) { _ = make([]byte, 1000)[n] }),
	}
}

// costly makes a mutant whose hashes begin with a cost, which has no cap.
func costly(name string, memory func(cost uint64) int64, work func(cost uint64)) hasherMutant {
	return wrapHasher(name, ruleBounded, func(w *wrappedHasher, h Hasher) {
		read := func(encoded string) (rest string, cost uint64, ok bool) {
			encoded, ok = strings.CutPrefix(encoded, "$costly$c=")
			digits, rest, _ := strings.Cut(encoded, "$")
			cost, err := strconv.ParseUint(digits, 10, 64)
			return "$" + rest, cost, ok && err == nil && digits == strconv.FormatUint(cost, 10)
		}
		w.hash = func(ctx context.Context, p auth.Password) (string, error) {
			encoded, err := h.Hash(ctx, p)
			return "$costly$c=1" + encoded, err
		}
		w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
			rest, cost, ok := read(encoded)
			if !ok {
				return false, auth.ErrUnknownHash
			}
			if h.Inspect(rest).Scheme != "" {
				work(cost)
			}
			return h.Verify(ctx, rest, p)
		}
		w.inspect = func(encoded string) auth.HashInfo {
			rest, cost, ok := read(encoded)
			if encoded == "" {
				rest, cost, ok = "", 1, true
			}
			info := h.Inspect(rest)
			if !ok || info.Scheme == "" {
				return auth.HashInfo{}
			}
			info.MemoryBytes = memory(cost)
			return info
		}
	})
}

func otherHasherMutants() []hasherMutant {
	inspect := func(name, rule string, f func(encoded string, info *auth.HashInfo)) hasherMutant {
		return wrapHasher(name, rule, func(w *wrappedHasher, h Hasher) {
			w.inspect = func(encoded string) auth.HashInfo {
				info := h.Inspect(encoded)
				if info.Scheme != "" {
					f(encoded, &info)
				}
				return info
			}
		})
	}
	return []hasherMutant{
		wrapHasher("one salt for one password", ruleSalted, func(w *wrappedHasher, h Hasher) {
			var known shared[map[string]string]
			w.hash = func(ctx context.Context, p auth.Password) (encoded string, err error) {
				known.do(func(known *map[string]string) {
					if *known == nil {
						*known = map[string]string{}
					}
					var ok bool
					if encoded, ok = (*known)[p.Reveal()]; !ok {
						encoded, err = h.Hash(ctx, p)
						(*known)[p.Reveal()] = encoded
					}
				})
				return encoded, err
			}
		}),
		inspect("Inspect says another memory before than after", ruleInspect, func(encoded string, info *auth.HashInfo) {
			if encoded == "" {
				info.MemoryBytes *= 2
			}
		}),
		inspect("Inspect says another scheme before than after", ruleInspect, func(encoded string, info *auth.HashInfo) {
			if encoded != "" {
				info.Scheme = "another"
			}
		}),
		inspect("Inspect says another key before than after", ruleInspect, func(encoded string, info *auth.HashInfo) {
			if encoded != "" {
				info.KeyID = "another"
			}
		}),
		inspect("Inspect says that everything is outdated", ruleInspect, func(_ string, info *auth.HashInfo) { info.Outdated = true }),
		inspect("Inspect says that new hashes are outdated", ruleInspect, func(encoded string, info *auth.HashInfo) { info.Outdated = encoded != "" }),
		inspect("Inspect says that new hashes are weak", ruleInspect, func(_ string, info *auth.HashInfo) { info.Weak = true }),
		weakMutant("a weak hash is not outdated"),
		reason("a code that is not in the table", auth.HashError{Code: "hash_strange"}, false),
		reason("an unknown scheme that is known", auth.HashError{Code: "hash_unknown", Scheme: scheme}, false),
		reason("too costly, without saying what", auth.HashError{Code: "hash_too_costly", Scheme: scheme, Value: 2, Max: 1}, false),
		reason("too costly, within the cap", auth.HashError{Code: "hash_too_costly", Scheme: scheme, Limit: "rounds", Value: 1, Max: 1}, false),
		reason("too costly, of no scheme", auth.HashError{Code: "hash_too_costly", Limit: "rounds", Value: 2, Max: 1}, false),
		reason("damaged, and a cost", auth.HashError{Code: "hash_damaged", Scheme: scheme, Limit: "rounds", Value: 2, Max: 1}, false),
		reason("damaged, and unknown as well", auth.HashError{Code: "hash_damaged", Scheme: scheme}, true),
		reason("no password, and malformed as well", auth.HashError{Code: "hash_no_password", Scheme: scheme}, true),
		wrapHasher("the scheme is what the hash says", ruleReasons, func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				match, err := h.Verify(ctx, encoded, p)
				if errors.Is(err, auth.ErrMalformedHash) {
					err = &auth.HashError{Code: "hash_damaged", Scheme: encoded}
				}
				return match, err
			}
		}),
		inspect("Inspect says that a password is cut", ruleLong, func(_ string, info *auth.HashInfo) { info.CutAt = 4096 }),
		inspect("Inspect says that a password is cut before it begins", ruleLong, func(_ string, info *auth.HashInfo) { info.CutAt = -1 }),
		inspect("Inspect says another cut before than after", ruleInspect, func(encoded string, info *auth.HashInfo) {
			if encoded == "" {
				info.CutAt = 72
			}
		}),
		inspect("Inspect knows nothing", ruleInspect, func(_ string, info *auth.HashInfo) { *info = auth.HashInfo{} }),
		inspect("Inspect says a negative memory", ruleInspect, func(_ string, info *auth.HashInfo) { info.MemoryBytes = -1 }),
		wrapHasher("errors repeat the password", "errors do not repeat the password", func(w *wrappedHasher, h Hasher) {
			w.hash = func(ctx context.Context, p auth.Password) (string, error) {
				if len(p.Reveal()) > 4096 {
					return "", fmt.Errorf("too long: %s", p.Reveal())
				}
				return h.Hash(ctx, p)
			}
		}),
		wrapHasher("errors repeat the hash", "errors do not repeat the password", func(w *wrappedHasher, h Hasher) {
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				match, err := h.Verify(ctx, encoded, p)
				if err != nil {
					err = fmt.Errorf("%w: %s", err, encoded)
				}
				return match, err
			}
		}),
		wrapHasher("one buffer for all passwords", "many may use it at once", func(w *wrappedHasher, h Hasher) {
			var buffer shared[auth.Password]
			w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
				buffer.do(func(b *auth.Password) { *b = p })
				time.Sleep(5 * time.Millisecond) // for another to use it
				buffer.do(func(b *auth.Password) { p = *b })
				return h.Verify(ctx, encoded, p)
			}
		}),
	}
}

// reason makes a mutant that says this of whatever it cannot verify; it matches both
// sentinels where that is wanted.
func reason(name string, why auth.HashError, both bool) hasherMutant {
	return wrapHasher("HashError: "+name, ruleReasons, func(w *wrappedHasher, h Hasher) {
		w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
			match, err := h.Verify(ctx, encoded, p)
			switch {
			case err != nil && both:
				err = errors.Join(&why, auth.ErrUnknownHash, auth.ErrMalformedHash)
			case err != nil:
				err = &why
			}
			return match, err
		}
	})
}

// weakMutant makes one whose hashes have a number, below which they are weak.
func weakMutant(name string) hasherMutant {
	m := costly(name, func(uint64) int64 { return 1 << 10 }, func(uint64) {})
	m.rule = ruleDamaged
	made := m.make
	m.make = func() auth.Hasher {
		w, _ := made().(*wrappedHasher)
		verify, inspect := w.verify, w.inspect
		w.verify = func(ctx context.Context, encoded string, p auth.Password) (bool, error) {
			if strings.HasPrefix(encoded, "$costly$c=0$") {
				return false, nil
			}
			return verify(ctx, encoded, p)
		}
		w.inspect = func(encoded string) auth.HashInfo {
			info := inspect(encoded)
			info.Weak = strings.HasPrefix(encoded, "$costly$c=0$")
			return info
		}
		return w
	}
	return m
}
