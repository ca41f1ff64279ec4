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

// entry is what is kept of a resource.
type entry struct {
	digest [sha256.Size]byte // of its line, without the end
	offset int64             // of the line in the file
	length int
	key    string // recon key, "" if it has none
}

// index knows the resources in a file by id.
type index struct {
	file  *os.File
	byID  map[string]entry
	order []string // ids, as in the file
	size  int64    // of the file, in bytes
}

func newIndex(f *os.File) *index { return &index{file: f, byID: map[string]entry{}} }

// add takes note of the next line of the file.
func (x *index) add(line []byte, r named) {
	x.byID[r.id] = entry{sha256.Sum256(line), x.size, len(line), r.key}
	x.order = append(x.order, r.id)
	x.size += int64(len(line)) + 1
}

func (x *index) has(id string) bool { _, ok := x.byID[id]; return ok }

func (x *index) lines() int { return len(x.order) }

func (x *index) close() error { return x.file.Close() }

// readIndex reads a file that an earlier run wrote.
func readIndex(path string, k *key) (*index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x := newIndex(f)
	err = eachLine(f, func(line []byte) error {
		r, err := identify(line, k)
		if err == nil && x.has(r.id) {
			err = fmt.Errorf("%s is there twice", r.id)
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

// maxLine is longer than any resource, some 500,000 members of a group. It
// keeps what is no export, such as a device, from filling the memory.
const maxLine = 64 << 20

// eachLine calls do for each line of a file, from its beginning. The bytes are
// good until the next one. A last line without an end is an error: somebody is
// writing it, or it was cut.
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

// document reads a resource from the file.
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

// decode reads a line.
func decode(line []byte) (map[string]any, error) {
	var document map[string]any
	if err := json.Unmarshal(line, &document); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	return document, nil
}

// named is what a line is about.
type named struct{ id, key string }

// identify reads the id and the recon key of a line; the key is empty if the
// resource has none or k is nil.
func identify(line []byte, k *key) (named, error) {
	document, err := decode(line)
	if err != nil {
		return named{}, err
	}
	id, _ := document["id"].(string)
	if id == "" {
		return named{}, errors.New("a resource has no id")
	}
	return named{id, k.of(document)}, nil
}
