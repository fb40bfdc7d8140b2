package token

import "time"

// Choose returns the key that a foreign token asks for.
func (s *Set) Choose(id, algorithm string) (Key, error) { return s.choose(id, algorithm) }

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
