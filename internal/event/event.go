// Package event is what a security event says of an error, and how it prints.
package event

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Printed is what of an event may be printed: all but the clients. What is not set is
// left out.
type Printed struct {
	Kind, Op, UserID, SessionID, AMR, Code string
	Err                                    error
	At                                     time.Time
}

// Attrs returns it as attributes.
func (p Printed) Attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("kind", p.Kind)}
	for _, word := range [][2]string{{"op", p.Op}, {"user_id", p.UserID}, {"session_id", p.SessionID}, {"amr", p.AMR}, {"code", p.Code}} {
		if word[1] != "" {
			attrs = append(attrs, slog.String(word[0], word[1]))
		}
	}
	if p.Err != nil {
		attrs = append(attrs, slog.String("error", p.Err.Error()))
	}
	if !p.At.IsZero() {
		attrs = append(attrs, slog.Time("at", p.At))
	}
	return attrs
}

// Text returns it as words, each value quoted, so that none of them can add a line or
// an attribute.
func (p Printed) Text() string {
	var words []string
	for _, a := range p.Attrs() {
		words = append(words, fmt.Sprintf("%s=%q", a.Key, a.Value))
	}
	return strings.Join(words, " ")
}

// JSON returns it as an object.
func (p Printed) JSON() ([]byte, error) {
	members := map[string]any{}
	for _, a := range p.Attrs() {
		members[a.Key] = a.Value.Any()
	}
	return json.Marshal(members)
}
