package richtext

import (
	"context"
	"crypto/sha256"
	"sync"

	"scim-atlassian/atlassian/adf"
	"scim-atlassian/atlassian/adf/plain"
)

// Texts gives the texts of documents. It remembers those of late, since most descriptions are
// read again as they were, and a text is held against its document before it is shown. It is
// safe for concurrent use.
type Texts struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]string // by document
	size int                          // of the texts, in bytes
}

// mostKept bounds the size of the texts that are remembered, in bytes, keys aside.
const mostKept = 4 << 20

// Of returns the text of a document in the form that the caller has.
func (t *Texts) Of(ctx context.Context, doc []byte) (string, error) {
	if isPlain(ctx) {
		return plain.ToText(doc)
	}
	if len(doc) > mostKept/16 {
		return adf.Text(doc)
	}
	key := sha256.Sum256(doc)
	t.mu.Lock()
	text, known := t.kept[key]
	t.mu.Unlock()
	if known {
		return text, nil
	}
	text, err := adf.Text(doc)
	if err == nil {
		t.keep(key, text)
	}
	return text, err
}

func (t *Texts) keep(key [sha256.Size]byte, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := len(text) + sha256.Size
	if t.size += size; t.kept == nil || t.size > mostKept {
		t.kept, t.size = map[[sha256.Size]byte]string{}, size
	}
	t.kept[key] = text
}
