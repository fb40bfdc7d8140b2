package token

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may nest, the outermost counted.
const maxDepth = 16

// few is how many names of an object are compared with one another as they come.
// More are sorted, so that many cost no more than they have to.
const few = 16

// scanner reads one JSON text (RFC 8259) from left to right, and is stricter
// than encoding/json where that guesses: a name may occur once in an object
// (RFC 7519 §4 and RFC 7515 §4 leave that choice), names are compared byte for
// byte after unescaping, half a surrogate pair is an error rather than U+FFFD,
// and nesting is bounded. The text must be valid UTF-8; newScanner checks it.
//
// Strings without escapes are returned as parts of the text, not copied.
type scanner struct {
	src       string
	pos       int    // of the next byte to read
	depth     int    // of objects and arrays around pos
	malformed string // the reason to reject a text that is not as it should be
	caseless  bool   // names that differ in nothing but case are the same
}

// newScanner returns a scanner that rejects a bad text for the given reason.
func newScanner(src, malformed string) (*scanner, error) {
	s := &scanner{src: src, malformed: malformed}
	if !utf8.ValidString(src) {
		return nil, s.fail()
	}
	return s, nil
}

func (s *scanner) fail() error { return reject(s.malformed) }

// next skips white space and returns the byte after it without consuming it;
// 0, which begins nothing in JSON, stands for the end.
func (s *scanner) next() byte {
	for ; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take consumes c, which must come next but for white space.
func (s *scanner) take(c byte) error {
	if s.next() != c {
		return s.fail()
	}
	s.pos++
	return nil
}

// end makes sure that nothing but white space is left.
func (s *scanner) end() error {
	s.next()
	if s.pos != len(s.src) {
		return s.fail()
	}
	return nil
}

// object reads an object. For each member it calls value, which must read the
// member's value; that no name occurs twice is certain only at the end.
func (s *scanner) object(value func(name string) error) error {
	names := make([]string, 0, few)
	err := s.list('{', '}', func() error {
		name, err := s.text()
		if err != nil {
			return err
		}
		key := name
		if s.caseless {
			key = strings.Map(fold, name)
		}
		if len(names) < few && slices.Contains(names, key) {
			return reject(ReasonDuplicateMember)
		}
		names = append(names, key)
		if err := s.take(':'); err != nil {
			return err
		}
		return value(name)
	})
	if err != nil {
		return err
	}
	if len(names) <= few {
		return nil
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return reject(ReasonDuplicateMember)
		}
	}
	return nil
}

// array reads an array. For each element it calls value, which must read it.
func (s *scanner) array(value func() error) error { return s.list('[', ']', value) }

// list reads items separated by commas between two brackets.
func (s *scanner) list(first, last byte, item func() error) error {
	if err := s.take(first); err != nil {
		return err
	}
	s.depth++
	if s.depth > maxDepth {
		return s.fail()
	}
	for more := s.next() != last; more; more = s.next() == ',' && s.take(',') == nil {
		if err := item(); err != nil {
			return err
		}
	}
	s.depth--
	return s.take(last)
}

// skip reads a value of any kind that nobody wants to know.
func (s *scanner) skip() error {
	switch c := s.next(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	}
	for _, literal := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.src[s.pos:], literal) {
			s.pos += len(literal)
			return nil
		}
	}
	return s.fail()
}

// text reads a string.
func (s *scanner) text() (string, error) {
	if err := s.take('"'); err != nil {
		return "", err
	}
	start := s.pos
	for ; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			return s.src[start : s.pos-1], nil
		case c == '\\':
			return s.unescape(s.src[start:s.pos])
		case c < ' ':
			return "", s.fail()
		}
	}
	return "", s.fail()
}

// unescape reads on in a string from its first escape.
func (s *scanner) unescape(before string) (string, error) {
	b := []byte(before)
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		s.pos++
		switch {
		case c == '"':
			return string(b), nil
		case c < ' ':
			return "", s.fail()
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, c)
		}
	}
	return "", s.fail()
}

// escape reads what follows a backslash. A surrogate must be the first half of
// a pair, and its second half is read with it.
func (s *scanner) escape() (rune, error) {
	if s.pos == len(s.src) {
		return 0, s.fail()
	}
	c := s.src[s.pos]
	if c == 'u' {
		r, err := s.hex()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if s.pos+1 >= len(s.src) || s.src[s.pos] != '\\' || s.src[s.pos+1] != 'u' {
			return 0, s.fail()
		}
		s.pos++
		low, err := s.hex()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, s.fail()
		}
		return r, nil
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return 0, s.fail()
	}
	s.pos++
	return rune("\"\\/\b\f\n\r\t"[i]), nil
}

// hex reads u and four hexadecimal digits.
func (s *scanner) hex() (rune, error) {
	const length = len("uXXXX")
	if len(s.src)-s.pos < length {
		return 0, s.fail()
	}
	var r rune
	for _, c := range []byte(s.src[s.pos+1 : s.pos+length]) {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, s.fail()
		}
	}
	s.pos += length
	return r, nil
}

// date reads a time as [Sign] writes it: an integer of seconds from 0 to
// MaxSeconds, without sign, fraction or exponent.
func (s *scanner) date() (time.Time, error) {
	s.next()
	start := s.pos
	if err := s.digits(); err != nil {
		return time.Time{}, err
	}
	digits := s.src[start:s.pos]
	if len(digits) > 1 && digits[0] == '0' || s.accept(".eE") {
		return time.Time{}, s.fail()
	}
	var seconds int64
	for _, c := range []byte(digits) {
		if seconds = seconds*10 + int64(c-'0'); seconds > MaxSeconds {
			return time.Time{}, s.fail()
		}
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// Instant reads a text that is a time as others write it, see instant.
func Instant(text string) (time.Time, bool) {
	s, err := newScanner(text, ReasonClaims)
	if err != nil {
		return time.Time{}, false
	}
	at, err := s.instant()
	return at, err == nil && s.end() == nil
}

// instant reads a time as others write it: any number from 0 to MaxSeconds, of
// which the whole seconds count (RFC 7519 §2, NumericDate).
func (s *scanner) instant() (time.Time, error) {
	s.next()
	start := s.pos
	if err := s.number(); err != nil {
		return time.Time{}, err
	}
	text := s.src[start:s.pos]
	if !strings.ContainsAny(text, "eE") { // or a fraction of many nines would round up
		text, _, _ = strings.Cut(text, ".")
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 || seconds > MaxSeconds {
		return time.Time{}, s.fail()
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// number reads a number of any size (RFC 8259 §6).
func (s *scanner) number() error {
	s.accept("-")
	if !s.accept("0") {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.accept(".") {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.accept("eE") {
		s.accept("+-")
		return s.digits()
	}
	return nil
}

// digits consumes one digit or more.
func (s *scanner) digits() error {
	start := s.pos
	for s.pos < len(s.src) && isDigit(s.src[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return s.fail()
	}
	return nil
}

// accept consumes the next byte if it is one of set.
func (s *scanner) accept(set string) bool {
	if s.pos == len(s.src) || strings.IndexByte(set, s.src[s.pos]) < 0 {
		return false
	}
	s.pos++
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
