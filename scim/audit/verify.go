package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/state"
)

// Bad is the first line of an audit that is not as it was written.
type Bad struct {
	File string
	Line int // from 1
	Why  string
}

func (e *Bad) Error() string { return fmt.Sprintf("%s: line %d: %s", e.File, e.Line, e.Why) }

// Verified is what Verify found.
type Verified struct {
	Lines       int
	First, Last int64  // numbers of the first and the last line
	Chain       string // name of the chain
	Compared    bool   // the end was compared with what the state remembers
	Followed    bool   // by another file, so that the end could not be compared
}

// Verify checks the chain of hashes through the files of an audit, the oldest first, and
// its end against what the state remembers; a nil store remembers nothing. The error is
// a *Bad for the first line that was edited, removed, inserted or cut off. A File may
// be written to meanwhile.
//
// Whoever can write to the files and to the state can forge both.
func Verify(ctx context.Context, store *state.Store, paths ...string) (Verified, error) {
	v := verifier{store: store}
	for _, path := range paths {
		v.file, v.line, v.aside = path, 0, false
		if err := v.read(ctx); err != nil {
			return v.Verified, err
		}
	}
	return v.Verified, v.complete()
}

// verifier is on its way through the files.
type verifier struct {
	Verified
	store *state.Store
	file  string
	line  int
	end   end  // of the lines so far
	known *end // what the state remembered before the files were read
	aside bool // the last line says that another file follows
}

// line is what counts of a line of an audit.
type line struct {
	Msg   string `json:"msg"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
	Chain string `json:"chain"`
	After string `json:"after"`
}

func (v *verifier) bad(format string, args ...any) error {
	return &Bad{v.file, v.line, fmt.Sprintf(format, args...)}
}

func (v *verifier) read(ctx context.Context) error {
	f, err := os.Open(v.file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		text, err := readLine(r)
		if errors.Is(err, io.EOF) { // a part of a line is one that is being written
			if v.line == 0 {
				v.line = 1
				return v.bad("the file is empty")
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", v.file, err)
		}
		v.line++
		if err := v.check(ctx, text); err != nil {
			return err
		}
	}
}

// readLine returns the next whole line, without its end.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(text)
		var rest []byte
		rest, err = r.ReadBytes('\n')
		text = append(long, rest...)
	}
	if err != nil {
		return nil, err
	}
	return text[:len(text)-1], nil
}

func (v *verifier) check(ctx context.Context, text []byte) error {
	l, body, err := parseLine(text)
	if err != nil {
		return v.bad("%v", err)
	}
	if v.line == 1 {
		if err := v.enter(ctx, l); err != nil {
			return err
		}
	}
	switch {
	case v.Lines > 0 && l.Seq > v.end.Seq+1:
		return v.bad("it has number %d, and %d is expected: lines before it are missing", l.Seq, v.end.Seq+1)
	case v.Lines > 0 && l.Seq != v.end.Seq+1:
		return v.bad("it has number %d, and %d is expected: it does not belong here", l.Seq, v.end.Seq+1)
	case chained(v.end.Hash, body) != l.Hash:
		return v.bad("its hash does not fit: the line was changed, or the one before it")
	case v.known != nil && v.known.Seq == l.Seq && v.known.Hash != l.Hash:
		return v.bad("it is not the line of this number that the state remembers: the file was written anew")
	}
	if v.Lines == 0 {
		v.First = l.Seq
	}
	v.end, v.Last, v.aside = end{l.Seq, l.Hash}, l.Seq, l.Msg == msgAside
	v.Lines++
	return nil
}

// enter begins a file with its first line.
func (v *verifier) enter(ctx context.Context, l line) (err error) {
	switch {
	case l.Msg != msgBegin || l.Chain == "":
		return v.bad("it is not the line that begins a file: lines before it are missing, or it is no audit")
	case v.Lines == 0:
		v.Chain, v.end.Hash = l.Chain, l.After
		v.known, err = savedEnd(ctx, v.store, l.Chain)
		if err == nil && v.store != nil && v.known == nil {
			return v.bad("the state does not know the chain %s", l.Chain)
		}
		return err
	case l.Chain != v.Chain || l.After != v.end.Hash:
		return v.bad("it does not follow the file before: a file between them is missing, or they are named in another order")
	}
	return nil
}

// complete compares the end with what the state remembers.
func (v *verifier) complete() error {
	v.Followed = v.aside
	if v.known != nil && v.known.Seq > v.Last && !v.aside {
		v.line++
		return v.bad("it is missing, and all up to number %d: the file was cut off after number %d", v.known.Seq, v.Last)
	}
	v.Compared = v.known != nil && !v.aside
	return nil
}

// parseLine reads a line and returns with it the part that its hash is over.
func parseLine(text []byte) (l line, body []byte, err error) {
	at := bytes.LastIndex(text, []byte(hashMember))
	if at < 0 || json.Unmarshal(text, &l) != nil || len(l.Hash) != 64 || string(text[at+len(hashMember):]) != l.Hash+hashEnd {
		return l, nil, errors.New("it is no line of an audit with a hash at its end")
	}
	return l, text[:at], nil
}
