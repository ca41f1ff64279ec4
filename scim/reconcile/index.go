package reconcile

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// entry describes the line of one resource.
type entry struct {
	digest [sha256.Size]byte // of the line, without its end
	offset int64             // of the line in the file
	length int               // of the line, without its end
	key    string            // recon key, "" if the resource has none
}

// index finds the lines of a file by the id of their resource.
type index struct {
	file  *os.File
	byID  map[string]entry
	order []string // ids in the order of the file
	size  int64    // bytes of all lines
}

func newIndex(f *os.File) *index { return &index{file: f, byID: map[string]entry{}} }

// add enters the next line of the file.
func (x *index) add(line []byte, r identity) {
	x.byID[r.id] = entry{sha256.Sum256(line), x.size, len(line), r.key}
	x.order = append(x.order, r.id)
	x.size += int64(len(line)) + 1
}

func (x *index) has(id string) bool { _, ok := x.byID[id]; return ok }

func (x *index) lines() int { return len(x.order) }

func (x *index) close() error { return x.file.Close() }

// readIndex reads a file that an earlier run wrote. Every error names the file.
func readIndex(path string, k *key) (*index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x := newIndex(f)
	err = eachLine(f, func(line []byte) error {
		r, err := identify(line, k)
		if err == nil && x.has(r.id) {
			err = fmt.Errorf("%s occurs twice", r.id)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", x.lines()+1, err)
		}
		x.add(line, r)
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return x, nil
}

// maxLine is the most bytes that a line may have: more than any resource needs, a
// group with 500,000 members say. It keeps a file that is no export, such as a
// device, from filling the memory.
const maxLine = 64 << 20

// eachLine calls do for each line of a file, from its beginning. The bytes are
// valid until do returns. A last line without an end is an error: it is being
// written, or was cut.
func eachLine(f io.ReadSeeker, do func(line []byte) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, 256<<10)
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			if long = append(long, part...); len(long) > maxLine {
				return fmt.Errorf("a line is longer than %d bytes", maxLine)
			}
			continue
		}
		line := part
		if len(long) > 0 {
			long = append(long, part...)
			line = long
		}
		switch {
		case err == io.EOF && len(line) == 0:
			return nil
		case err == io.EOF:
			return errors.New("the last line is cut")
		case err != nil:
			return err
		}
		if err := do(line[:len(line)-1]); err != nil {
			return err
		}
		long = long[:0]
	}
}

// document reads a resource from the file by its id, which must be in the index.
func (x *index) document(id string) (map[string]any, error) {
	e := x.byID[id]
	line := make([]byte, e.length)
	if _, err := x.file.ReadAt(line, e.offset); err != nil {
		return nil, err
	}
	return decode(line)
}

// contentHash is the SHA-256 digest of the sorted SHA-256 digests of the lines:
// the same for the same resources in any order.
func (x *index) contentHash() string {
	digests := make([]string, 0, len(x.byID))
	for _, e := range x.byID {
		digests = append(digests, string(e.digest[:]))
	}
	slices.Sort(digests)
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(strings.Join(digests, ""))))
}

// decode parses a line as a JSON object.
func decode(line []byte) (map[string]any, error) {
	var document map[string]any
	if err := json.Unmarshal(line, &document); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	return document, nil
}

// identity tells which resource a line holds.
type identity struct{ id, key string }

// identify reads the id and the recon key of a line; the key is empty if the
// resource has none or k is nil.
func identify(line []byte, k *key) (identity, error) {
	document, err := decode(line)
	if err != nil {
		return identity{}, err
	}
	id, _ := document["id"].(string)
	if id == "" {
		return identity{}, errors.New("a resource has no id")
	}
	return identity{id, k.of(document)}, nil
}
