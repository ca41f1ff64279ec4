package sheet

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Thousands(0): "0", Thousands(999): "999", Thousands(-1234567): "−1\u202f234\u202f567",
		Span(300 * time.Microsecond): "300 µs", Span(42 * time.Millisecond): "42 ms", Span(1500 * time.Millisecond): "1.5 s", Span(75 * time.Second): "75 s",
		Span(30 * time.Minute): "30 min", Span(27*time.Hour + 5*time.Minute): "27 h 5 min", Span(100 * time.Hour): "4 days",
		harmless("=1+1"): "'=1+1", harmless("-x"): "'-x", harmless(-5): "-5", harmless("a=b"): "a=b", harmless(""): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
