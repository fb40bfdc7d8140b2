package token

import "time"

// The signatures of a Key alone, for published vectors that are no access
// tokens of ours.

func (k Key) SignInput(input string) ([]byte, error) { return k.sign(input) }

func (k Key) VerifyInput(input string, signature []byte) error { return k.verify(input, signature) }

// Said returns what an identity says, without its marks.
func (id Identity) Said() Identity { return id.unmarked() }

// ScanJSON reads a text of any shape with the scanner.
func ScanJSON(src string) error {
	s, err := newScanner(src, ReasonClaims)
	if err != nil {
		return err
	}
	if err := s.skip(); err != nil {
		return err
	}
	return s.end()
}

// ScanString reads a text that is one string.
func ScanString(src string) (string, error) {
	s, err := newScanner(src, ReasonClaims)
	if err != nil {
		return "", err
	}
	v, err := s.text()
	if err != nil {
		return "", err
	}
	return v, s.end()
}

// ScanDate reads a text that is one time.
func ScanDate(src string) (time.Time, error) {
	s, err := newScanner(src, ReasonClaims)
	if err != nil {
		return time.Time{}, err
	}
	v, err := s.date()
	if err != nil {
		return time.Time{}, err
	}
	return v, s.end()
}
