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

// draft is the file while it is incomplete: its lines so far are in FILE.partial,
// and the facts with which a later run can go on in FILE.state.
type draft struct {
	out   string
	key   *key
	file  *os.File // FILE.partial
	w     *bufio.Writer
	state state
	index *index // of all lines, also of those not committed yet
}

// state is the content of FILE.state. Lines and Bytes measure the committed lines;
// anything behind them in FILE.partial was being written when the run ended.
type state struct {
	Version       int       `json:"version"`
	Resource      string    `json:"resource"`
	Filter        string    `json:"filter"`
	Key           string    `json:"key"`
	Source        string    `json:"source"`
	Began         time.Time `json:"began"`
	Lines         int       `json:"lines"`
	Bytes         int64     `json:"bytes"`
	Matched       int       `json:"matched"` // resources that match, as the last page told
	Pages         int       `json:"pages"`
	UpstreamCalls int       `json:"upstreamCalls"`
	Resumed       int       `json:"resumed"`             // how often a run went on with the draft
	StartedOver   int       `json:"startedOver"`         // how often the lines were thrown away, see startOver
	Because       string    `json:"because"`             // why, the last time
	DeltaToken    string    `json:"deltaToken,omitzero"` // taken before the first line was read; empty: there is no log
	DeltaExpiry   time.Time `json:"deltaTokenExpiry,omitzero"`
	Before        int       `json:"-"` // lines that earlier runs had committed
}

const stateVersion = 1

func partialOf(out string) string { return out + ".partial" }
func stateOf(out string) string   { return out + ".state" }
func reportOf(out string) string  { return out + ".report.json" }

// openDraft begins a draft, or, if the job resumes and there is one, goes on with
// the draft of an interrupted run.
func openDraft(job Job, k *key) (*draft, error) {
	if info, err := os.Stat(job.Out); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s exists and is not a file", job.Out)
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
		return nil, fmt.Errorf("cannot resume: the interrupted run exported other resources or had other settings (%s); without --resume the export begins anew", stateOf(job.Out))
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

// goesOnAs reports whether a run with the state t may go on with a draft of state s.
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

// open opens FILE.partial, with flag, and forgets all lines.
func (d *draft) open(flag int) (err error) {
	// The resources are personal data.
	if d.file, err = os.OpenFile(partialOf(d.out), os.O_RDWR|os.O_CREATE|flag, 0o600); err != nil {
		return err
	}
	d.w = bufio.NewWriterSize(d.file, 256<<10)
	d.index = newIndex(d.file)
	return nil
}

// reread indexes the lines that an interrupted run committed, and cuts off the rest.
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
		return fmt.Errorf("it has %d resources in %d bytes; %d in %d are expected", x.lines(), x.size, d.state.Lines, d.state.Bytes)
	}
	_, err = d.file.Seek(0, io.SeekEnd)
	return err
}

// tail returns the ids of the last committed resources, at most overlap of them.
func (d *draft) tail() []string {
	return d.index.order[max(0, d.state.Lines-overlap):d.state.Lines]
}

// add appends the line of a resource. The next commit makes it count.
func (d *draft) add(line []byte, r identity) error {
	d.index.add(line, r)
	if _, err := d.w.Write(line); err != nil {
		return err
	}
	return d.w.WriteByte('\n')
}

// commit writes the lines to the disk and the state that includes them.
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

// startOver throws the lines away, since the list changed while it was read.
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

// discard removes the draft.
func (d *draft) discard() error {
	return errors.Join(d.close(), removeAll(stateOf(d.out), partialOf(d.out)))
}

// publish renames the complete draft to FILE and writes the report beside it.
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

// close closes the file. All that was committed is on the disk already.
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

// removeAll removes the files that exist.
func removeAll(paths ...string) error {
	var problems []error
	for _, path := range paths {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
