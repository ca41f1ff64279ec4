package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json"
)

// Trail is where audit lines are read from.
type Trail interface {
	// Latest yields audit lines, the newest first, until yield returns false. Each has a place, and before, unless it is 0,
	// is the place of a line that was yielded before: then those older than it follow.
	Latest(ctx context.Context, before int64, yield func(at int64, line Record) bool) error
	// About says in a sentence what there is.
	About() string
}

// File is a Trail over a file of one JSON object a line, such as an audit file. Lines of other kinds are passed over.
type File struct{ Path string }

const (
	fileRead  = 32 << 20 // bytes that are read for one page at most
	fileBlock = 256 << 10
	fileLine  = 1 << 20 // bytes of a line at most; a longer one is passed over
)

// About implements Trail.
func (f File) About() string {
	return fmt.Sprintf("Read from the end of the audit file, %d MiB of it at most for one page.", fileRead>>20)
}

// Latest implements Trail. Places are offsets in the file, plus 1.
func (f File) Latest(ctx context.Context, before int64, yield func(at int64, line Record) bool) error {
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was written yet
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	if before > 0 {
		end = min(end, before-1)
	}
	return backwards(ctx, file, end, func(at int64, line []byte) bool {
		var record Record
		if json.Unmarshal(line, &record) != nil || record["msg"] != "audit" && record["msg"] != "intent" {
			return true
		}
		return yield(at+1, record)
	})
}

// backwards yields the lines of a file that end before an offset, the last first, with the offsets of their first bytes.
// It stops when yield returns false, and after fileRead bytes.
func backwards(ctx context.Context, r io.ReaderAt, end int64, yield func(at int64, line []byte) bool) error {
	var rest []byte // the end of a line whose beginning is not read yet
	tooLong := false
	for low := max(0, end-fileRead); end > low; {
		if err := ctx.Err(); err != nil {
			return err
		}
		begin := max(low, end-fileBlock)
		block := make([]byte, end-begin, int(end-begin)+len(rest))
		if _, err := r.ReadAt(block, begin); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		block = append(block, rest...)
		for {
			i := bytes.LastIndexByte(block, '\n')
			if i < 0 && begin > 0 {
				break
			}
			if line := block[i+1:]; len(line) > 0 && !tooLong && !yield(begin+int64(i+1), line) {
				return nil
			}
			tooLong = false
			if i < 0 {
				return nil
			}
			block = block[:i]
		}
		if rest = block; len(rest) > fileLine {
			rest, tooLong = nil, true
		}
		end = begin
	}
	return nil
}
