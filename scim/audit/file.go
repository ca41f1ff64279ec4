package audit

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/state"
)

// FileConfig says where the audit is kept. Path and Now are required.
type FileConfig struct {
	Path     string
	MaxBytes int64        // beyond which the file is put aside and a new one begun; 0: never
	Aside    int          // files put aside that are kept; 0: all
	State    *state.Store // keeps the end of the chain; nil: nothing does
	Now      func() time.Time
	Problem  func(error) // told of what keeps no line from being written; safe for concurrent use
}

// File is an audit in a file: a zapcore.WriteSyncer to which every Write is one line, a
// JSON object. A line is with the operating system when Write returns, so that it
// outlives the process.
//
// Each line gets a number, "seq", and last of all a "hash" over the hash of the line
// before and itself, so that a line that is edited, removed or inserted is found; see
// [Verify]. The chain goes on from file to file, and over restarts: a file begins with
// a line that tells the name of the chain and the hash with which the file before
// ended. The state remembers the end, up to saveEvery late, so that a file cut short
// is found too.
//
// File is safe for concurrent use.
type File struct {
	cfg  FileConfig
	done chan struct{} // closed by Close
	wait sync.WaitGroup

	mu    sync.Mutex
	at    open
	chain string
	end   end
	saved end // what the state has
	line  []byte
}

// open is a file that is written to.
type open struct {
	*os.File
	size int64
	torn bool // there is a part of a line at its end, which could not be taken away
}

// end is the last line of a chain.
type end struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // hexadecimal SHA-256
}

// saveEvery is the time between two writes of the end of the chain to the state.
const saveEvery = 250 * time.Millisecond

// kindEnd is the kind of value in the state: the end of a chain, by the chain's name.
const kindEnd = "audit"

// The lines that a File writes by itself.
const (
	msgBegin = "chain"   // begins every file
	msgAside = "rotated" // ends a file that another one follows
)

// OpenFile opens the audit in a file for one process, or begins one, and saves the end
// of its chain. A file that was cut short is a Problem, and goes on where the state
// remembers it to have ended, so that Verify finds the place ever after.
func OpenFile(ctx context.Context, cfg FileConfig) (*File, error) {
	f := &File{cfg: cfg, done: make(chan struct{})}
	if f.cfg.Problem == nil {
		f.cfg.Problem = func(error) {}
	}
	if err := f.resume(ctx); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if cfg.State != nil {
		if err := f.save(ctx); err != nil {
			f.at.Close()
			return nil, fmt.Errorf("audit: %w", err)
		}
		f.wait.Go(f.follow)
	}
	return f, nil
}

// resume opens the file at Path and finds the end of its chain, or begins one.
func (f *File) resume(ctx context.Context) (err error) {
	if f.at, err = openPath(f.cfg.Path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.at.Close()
		}
	}()
	if f.at.size == 0 {
		var name [8]byte
		rand.Read(name[:]) // never fails
		f.chain = hex.EncodeToString(name[:])
		return f.begin()
	}
	if f.chain, f.end, err = f.at.ends(); err != nil {
		return fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	known, err := savedEnd(ctx, f.cfg.State, f.chain)
	if err == nil && known != nil && known.Seq > f.end.Seq {
		f.cfg.Problem(fmt.Errorf("%s was cut short: it ends with number %d, and number %d had been written", f.cfg.Path, f.end.Seq, known.Seq))
		f.end = *known
	}
	return err
}

// openPath opens or makes a file, for this process alone.
func openPath(path string) (open, error) {
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return open{}, err
	}
	info, err := opened.Stat()
	if err == nil {
		err = lock(opened)
	}
	if err != nil {
		opened.Close()
		return open{}, err
	}
	return open{File: opened, size: info.Size()}, nil
}

// begin writes the first line of a file, which names the chain and the hash that it
// goes on from.
func (f *File) begin() error {
	return f.own(msgBegin, "chain", f.chain, "after", f.end.Hash)
}

// own writes a line of the file about itself, with fields by name.
func (f *File) own(msg string, fields ...string) error {
	line := fmt.Appendf(nil, `{"level":"info","time":%q,"msg":%q`, f.cfg.Now().UTC().Format(time.RFC3339Nano), msg)
	for i := 0; i < len(fields); i += 2 {
		line = fmt.Appendf(line, `,%q:%q`, fields[i], fields[i+1])
	}
	return f.append(append(line, "}\n"...))
}

// Write implements io.Writer. p is one JSON object with a member at least, and a line
// end. What cannot be written whole is taken away again.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cfg.MaxBytes > 0 && f.at.size+int64(len(p)) > f.cfg.MaxBytes && f.at.size > 0 {
		if err := f.rotate(); err != nil {
			f.cfg.Problem(fmt.Errorf("the file was not put aside: %w", err))
		}
	}
	if f.at.size == 0 {
		if err := f.begin(); err != nil {
			return 0, err
		}
	}
	if err := f.append(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Sync implements zapcore.WriteSyncer. Nothing is held back.
func (f *File) Sync() error { return nil }

// append writes a line with its number and its hash.
func (f *File) append(p []byte) error {
	next := end{Seq: f.end.Seq + 1}
	f.line = append(append(f.line[:0], p[:len(p)-len("}\n")]...), `,"seq":`...)
	f.line = strconv.AppendInt(f.line, next.Seq, 10)
	next.Hash = chained(f.end.Hash, f.line)
	f.line = append(append(append(f.line, hashMember...), next.Hash...), hashEnd...)
	f.line = append(f.line, '\n')
	if err := f.at.append(f.line); err != nil {
		return err
	}
	f.end = next
	return nil
}

// append writes a line. What cannot be written whole is taken away again.
func (o *open) append(line []byte) error {
	if o.torn {
		if err := o.Truncate(o.size); err != nil {
			return err
		}
		o.torn = false
	}
	n, err := o.Write(line)
	if err != nil {
		o.torn = n > 0 && o.Truncate(o.size) != nil
		return err
	}
	o.size += int64(n)
	return nil
}

// A line ends with its hash.
const (
	hashMember = `,"hash":"`
	hashEnd    = `"}`
)

// chained is the hash of a line: of the hash before, in hexadecimal, and of the line up
// to its own hash.
func chained(before string, line []byte) string {
	h := sha256.New()
	io.WriteString(h, before)
	h.Write(line)
	return hex.EncodeToString(h.Sum(make([]byte, 0, sha256.Size)))
}

// rotate puts the file aside and opens another. If that fails, the file goes on.
func (f *File) rotate() error {
	aside := fmt.Sprintf("%s.%s.%d", f.cfg.Path, f.cfg.Now().UTC().Format("20060102T150405.000Z"), f.end.Seq)
	err := os.Rename(f.cfg.Path, aside)
	if errors.Is(err, fs.ErrNotExist) { // somebody else has moved it
		return f.follows()
	}
	if err != nil {
		return err
	}
	if err := f.follows(); err != nil {
		return errors.Join(err, os.Rename(aside, f.cfg.Path))
	}
	return f.forget()
}

// follows ends the file and opens the one that is at Path now.
func (f *File) follows() error {
	next, err := openPath(f.cfg.Path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.own(msgAside), f.at.Close()); err != nil {
		f.cfg.Problem(fmt.Errorf("the file that was put aside lacks its last line: %w", err))
	}
	f.at = next
	return nil
}

// forget removes the oldest files that were put aside, where only some are kept.
func (f *File) forget() error {
	if f.cfg.Aside == 0 {
		return nil
	}
	names, err := Aside(f.cfg.Path)
	for i := 0; err == nil && i < len(names)-f.cfg.Aside; i++ {
		err = os.Remove(names[i])
	}
	return err
}

// Aside lists the files that were put aside for the one at path, the oldest first.
func Aside(path string) ([]string, error) {
	names, err := filepath.Glob(globQuote(path) + ".*Z.*")
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(asideSeq(a), asideSeq(b)) })
	return names, err
}

func asideSeq(name string) int64 {
	n, _ := strconv.ParseInt(filepath.Ext(name)[1:], 10, 64)
	return n
}

// globQuote keeps filepath.Glob from reading a path as a pattern.
func globQuote(path string) string {
	var b []byte
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' || c == '\\' && filepath.Separator != '\\' {
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// Reopen begins a new file at Path after somebody else, such as logrotate, has moved the
// one that was there. If it was not moved, nothing happens.
func (f *File) Reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine, err := f.at.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(f.cfg.Path)
	if err == nil && os.SameFile(mine, there) {
		return nil
	}
	if err == nil && there.Size() > 0 {
		return fmt.Errorf("%s is another file that is not empty: move it away", f.cfg.Path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.follows(); err != nil {
		return err
	}
	return f.begin()
}

// Close saves the end of the chain and closes the file.
func (f *File) Close() error {
	close(f.done)
	f.wait.Wait()
	err := f.save(context.Background())
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(err, f.at.Close())
}

// follow saves the end of the chain now and then until Close.
func (f *File) follow() {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-f.done:
			return
		case <-tick.C:
		}
		err := f.save(context.Background())
		if err != nil && !failed {
			f.cfg.Problem(fmt.Errorf("the end of the audit cannot be kept in the state: %w", err))
		}
		failed = err != nil
	}
}

// save tells the state the end of the chain.
func (f *File) save(ctx context.Context) error {
	f.mu.Lock()
	chain, now := f.chain, f.end
	f.mu.Unlock()
	if f.cfg.State == nil || now == f.saved {
		return nil
	}
	data, err := json.Marshal(now)
	if err == nil {
		err = f.cfg.State.Put(ctx, kindEnd, chain, data, time.Time{})
	}
	if err == nil {
		f.saved = now
	}
	return err
}

// savedEnd is the end of a chain as the state remembers it, nil if it does not.
func savedEnd(ctx context.Context, store *state.Store, chain string) (*end, error) {
	if store == nil {
		return nil, nil
	}
	v, there, err := store.Value(ctx, kindEnd, chain)
	if err != nil || !there {
		return nil, err
	}
	var e end
	if err := json.Unmarshal(v.Data, &e); err != nil {
		return nil, fmt.Errorf("the end of the audit in the state: %w", err)
	}
	return &e, nil
}
