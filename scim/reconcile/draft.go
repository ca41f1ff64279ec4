package reconcile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// draft is the file while it is not whole: the lines so far in FILE.partial, and
// beside them, in FILE.state, what a later run must know to go on.
type draft struct {
	out   string
	key   *key
	file  *os.File // of the lines
	w     *bufio.Writer
	state state
	index *index // of the lines, those that are not committed included
}

// state is what FILE.state holds. Lines and Bytes are of the lines that count:
// what follows them in FILE.partial was being written when the run ended.
type state struct {
	Version       int       `json:"version"`
	Resource      string    `json:"resource"`
	Filter        string    `json:"filter"`
	Key           string    `json:"key"`
	Source        string    `json:"source"`
	Began         time.Time `json:"began"`
	Lines         int       `json:"lines"`
	Bytes         int64     `json:"bytes"`
	Matched       int       `json:"matched"` // as the last page said
	Pages         int       `json:"pages"`
	UpstreamCalls int       `json:"upstreamCalls"`
	Resumed       int       `json:"resumed"`     // how often a run went on
	StartedOver   int       `json:"startedOver"` // how often the lines so far turned out to be of no use
	Because       string    `json:"because"`     // of the last time
	Before        int       `json:"-"`           // lines that this run found
}

const stateVersion = 1

func partialOf(out string) string { return out + ".partial" }
func stateOf(out string) string   { return out + ".state" }
func reportOf(out string) string  { return out + ".report.json" }

// openDraft begins a draft, or goes on with the one that an interrupted run left.
func openDraft(job Job, k *key) (*draft, error) {
	if info, err := os.Stat(job.Out); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is there and not a file", job.Out)
	}
	d := &draft{out: job.Out, key: k}
	d.state = state{Version: stateVersion, Resource: job.Resource, Filter: job.Filter, Key: k.String(), Source: job.Source, Began: time.Now()}
	old, err := readState(job.Out)
	switch {
	case !job.Resume || errors.Is(err, fs.ErrNotExist):
		if err := removeAll(stateOf(job.Out)); err != nil {
			return nil, err
		}
		return d, d.open(os.O_TRUNC)
	case err != nil:
		return nil, fmt.Errorf("cannot resume: %w; without --resume the export begins anew", err)
	case !old.goesOnAs(d.state):
		return nil, fmt.Errorf("cannot resume: the interrupted run was of other resources or with other settings (%s); without --resume the export begins anew", stateOf(job.Out))
	}
	d.state = old
	d.state.Resumed++
	d.state.Before = old.Lines
	if err := d.open(0); err != nil {
		return nil, err
	}
	if err := d.reread(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot resume: %s: %w; without --resume the export begins anew", partialOf(d.out), err), d.close())
	}
	return d, nil
}

// goesOnAs reports whether a run may go on with what another one began.
func (s state) goesOnAs(t state) bool {
	return s.Version == t.Version && s.Resource == t.Resource && s.Filter == t.Filter && s.Key == t.Key && s.Source == t.Source
}

func readState(out string) (state, error) {
	text, err := os.ReadFile(stateOf(out))
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("%s: %w", stateOf(out), err)
	}
	return s, nil
}

func (d *draft) open(flag int) (err error) {
	// The resources are personal data.
	if d.file, err = os.OpenFile(partialOf(d.out), os.O_RDWR|os.O_CREATE|flag, 0o600); err != nil {
		return err
	}
	d.w = bufio.NewWriterSize(d.file, 256<<10)
	d.index = newIndex(d.file)
	return nil
}

// reread learns what an interrupted run wrote, and cuts off what does not count.
func (d *draft) reread() error {
	if err := d.file.Truncate(d.state.Bytes); err != nil {
		return err
	}
	err := eachLine(d.file, func(line []byte) error {
		r, err := identify(line, d.key)
		if err != nil {
			return err
		}
		d.index.add(line, r)
		return nil
	})
	if err != nil {
		return err
	}
	if x := d.index; x.lines() != d.state.Lines || x.size != d.state.Bytes {
		return fmt.Errorf("it has %d resources in %d bytes, and should have %d in %d", x.lines(), x.size, d.state.Lines, d.state.Bytes)
	}
	_, err = d.file.Seek(0, io.SeekEnd)
	return err
}

// tail returns the ids of the last resources that count, overlap of them at most.
func (d *draft) tail() []string {
	return d.index.order[max(0, d.state.Lines-overlap):d.state.Lines]
}

// add appends a resource. It counts after the next commit.
func (d *draft) add(line []byte, r named) error {
	d.index.add(line, r)
	if _, err := d.w.Write(line); err != nil {
		return err
	}
	return d.w.WriteByte('\n')
}

// commit makes what was added count.
func (d *draft) commit() error {
	if err := d.w.Flush(); err != nil {
		return err
	}
	if info, err := d.file.Stat(); err != nil || info.Size() != d.index.size {
		return errors.Join(fmt.Errorf("%s has changed: does another run write to it?", d.file.Name()), err)
	}
	d.state.Lines, d.state.Bytes = d.index.lines(), d.index.size
	return writeWhole(stateOf(d.out), d.state)
}

// startOver throws the lines away.
func (d *draft) startOver(because string) error {
	s := d.state
	s.Lines, s.Bytes, s.Before = 0, 0, 0
	s.StartedOver++
	s.Because = because
	if err := d.file.Close(); err != nil {
		return err
	}
	*d = draft{out: d.out, key: d.key, state: s}
	return d.open(os.O_TRUNC)
}

// discard removes the draft, which is of no use to another run.
func (d *draft) discard() error {
	return errors.Join(d.close(), removeAll(stateOf(d.out), partialOf(d.out)))
}

// publish makes the draft the file, with the report beside it.
func (d *draft) publish(report *Report) error {
	if err := errors.Join(d.w.Flush(), d.file.Sync(), d.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(partialOf(d.out), d.out); err != nil {
		return err
	}
	if err := writeWhole(reportOf(d.out), report); err != nil {
		return err
	}
	return removeAll(stateOf(d.out))
}

// close is for the end of a run; what counts is on disk already.
func (d *draft) close() error {
	if err := d.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// writeWhole writes a JSON document so that it is there as a whole or not at all.
func writeWhole(path string, document any) error {
	text, err := json.Marshal(document, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeAll removes files, those that are not there being removed already.
func removeAll(paths ...string) error {
	var problems []error
	for _, path := range paths {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
