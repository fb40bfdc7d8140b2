package input

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what hidden values print as, and therefore no password.
const Redacted = "REDACTED"

// Hidden has what embeds it print as [Redacted].
type Hidden struct{}

// Format writes [Redacted] for every verb and flag.
func (Hidden) Format(f fmt.State, _ rune) { io.WriteString(f, Redacted) }

// String returns [Redacted].
func (Hidden) String() string { return Redacted }

// LogValue returns [Redacted].
func (Hidden) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted].
func (Hidden) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
