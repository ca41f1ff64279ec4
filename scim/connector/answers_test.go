package connector

import (
	"strings"
	"testing"
)

func TestParseAnswersRefuses(t *testing.T) {
	const noObject, unknown = "not a JSON object of changes", "unknown object member name"
	tests := []struct{ answers, want string }{
		{``, noObject},
		{`[]`, noObject},
		{`{"helth": {}}`, unknown},
		{`{"health": {"status": "Up"}}`, "health: status cannot be changed"},
		{`{"test": {"status": null}}`, "test: status cannot be changed"},
		{`{"metadata": {"x": {"y": [[null]]}}}`, "metadata: null in a list"},
	}
	for _, tt := range tests {
		if _, err := ParseAnswers([]byte(tt.answers)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseAnswers(%s): got error %v, want %q", tt.answers, err, tt.want)
		}
	}
}
