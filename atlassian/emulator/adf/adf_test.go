package adf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValid(t *testing.T) {
	tests := []struct {
		content string
		want    bool
	}{
		{``, true},
		{`{"type":"paragraph"}`, true},
		{`{"type":"paragraph","content":[{"type":"text","text":""}]}`, false},
		{`{"type":"paragraph","content":[{"type":"text"}]}`, false},
		{`{"type":"paragraph","text":"x"}`, false},
		{`{"type":"paragraph","content":[{"type":"paragraph"}]}`, false},
		{`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"strong"},{"type":"link","attrs":{"href":"https://a"}}]}]}`, true},
		{`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link"}]}]}`, false},
		{`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"bold"}]}]}`, false},
		{`{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"a","text":"@b"}},{"type":"hardBreak"}]}`, true},
		{`{"type":"paragraph","content":[{"type":"mention"}]}`, false},
		{`{"type":"heading","attrs":{"level":7}}`, false},
		{`{"type":"heading","attrs":{"level":2}}`, true},
		{`{"type":"bulletList","content":[]}`, false},
		{`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph"}]}]}`, true},
		{`{"type":"bulletList","content":[{"type":"paragraph"}]}`, false},
		{`{"type":"codeBlock","content":[{"type":"text","text":"x","marks":[{"type":"strong"}]}]}`, false},
		{`{"type":"codeBlock","attrs":{"language":"go"},"content":[{"type":"text","text":"x"}]}`, true},
		{`{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph"}]}]}]}`, true},
		{`{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph"}]}`, true},
		{`{"type":"rule","extra":1}`, false},
		{`{"type":"paragraph","attrs":{"color":"red"}}`, false},
		{`{"type":"paragraph","attrs":{"localId":"1"}}`, true},
		{`{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"table","content":[{"type":"tableRow","content":[]}]}]}]}]}`, false},
		{`{"type":"taskList","content":[]}`, false},
		{`{"type":"taskList","attrs":{"localId":"1"},"content":[{"type":"taskItem","attrs":{"localId":"2","state":"TODO"}}]}`, true},
		{`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"code"},{"type":"strong"}]}]}`, false},
		{`{"type":"mediaSingle","attrs":{"layout":"center"},"content":[]}`, false},
		{`{"type":"expand","attrs":{"title":"t"},"content":[{"type":"paragraph"}]}`, true},
		{`{"type":"nestedExpand","attrs":{"title":"t"},"content":[{"type":"paragraph"}]}`, false},
		{`{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph"}]}]}`, false},
		{`{"type":"doc","version":1,"content":[]}`, false},
		{`{"type":"blink"}`, false},
		{strings.Repeat(`{"type":"blockquote","content":[{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"bulletList","content":[`, 5_000), false},
	}
	for _, tt := range tests {
		if got := Valid([]byte(`{"type":"doc","version":1,"content":[` + tt.content + `]}`)); got != tt.want {
			t.Errorf("Valid(%.150s) = %v, want %v", tt.content, got, tt.want)
		}
	}
	for _, text := range []string{`{"type":"doc","content":[]}`, `{"type":"doc","version":2,"content":[]}`, `{"version":1}`, `null`, `1`} {
		if Valid([]byte(text)) {
			t.Errorf("Valid(%s) = true", text)
		}
	}
}

func TestText(t *testing.T) {
	const doc = `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"te"},{"type":"text","text":"st"},
		{"type":"mention","attrs":{"id":"1","text":"@Ann"}}]},{"type":"rule"}]}`
	if got := strings.Fields(Text([]byte(doc))); cmp.Diff([]string{"test", "@Ann"}, got) != "" {
		t.Errorf("got %q", got)
	}
}

func TestPlain(t *testing.T) {
	const text = "one\ntwo\n\nthree"
	document := FromPlain(text)
	if !Valid(document) {
		t.Errorf("%s is not valid", document)
	}
	if got := Plain(document); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	if got := FromPlain(" \n "); got != nil {
		t.Errorf("an empty text became %s", got)
	}
}
