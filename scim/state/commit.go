package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Resource is a point change since the last complete scan: what is known of one
// resource, whatever the pages say.
type Resource struct {
	Type, ID string
	Seq      int64  // set by Commit
	Doc      []byte // nothing in it is looked at
	Gone     bool
}

// Change is one entry of the log.
type Change struct {
	Seq      int64 // set by Commit
	Type, ID string
	Op       Op
	Source   string    // who saw or made it
	Names    []string  // what changed
	Before   []byte    // the resource before
	Txn      string    // joins the changes of one request
	At       time.Time // set by Commit; never before that of a smaller Seq
}

// Op is what a Change did.
type Op string

// The operations of the log.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Scan is a reading of all resources of a type.
type Scan struct {
	Type     string
	ID       int64 // the number of the commit that began it
	Began    time.Time
	Ended    time.Time // zero while it is open
	Complete bool
	Total    int // resources in it, as Finish said
	Pages    int // kept so far
}

// Page is one page of a scan as it was read.
type Page struct {
	Type  string
	Scan  int64 // ID of the scan
	No    int
	At    time.Time // when it was read
	Total int       // resources of the type, as upstream told with the page
	Docs  []byte    // nothing in it is looked at
}

// Commit is what changes together.
type Commit struct {
	// Guard, if set, must be held: see ErrFenced.
	Guard     *Lease
	Resources []Resource // a later one of the same resource wins
	Changes   []Change   // in the order of the log
	Pages     []Page     // of open scans; one with the same number is replaced
	// Begin opens a scan of the type; the number of the commit is its ID. An open
	// scan of the type is forgotten with its pages.
	Begin string
	// Finish completes the open scan with its Type and ID, and sets its Total. Older
	// scans of the type go, and so do Resources up to the number that the scan began with.
	Finish *Scan
	Values []Value // as Put does; Data nil removes
}

// Commit does everything in c in one transaction, or nothing. It returns the number
// of the last change: the Resources have it too. A commit of Resources, Begin or
// Finish without a change takes a number as well; one with only pages or values
// takes none, and 0 is returned. It sets nothing in c.
//
// It fails with ErrFenced if c.Guard is not held, and with ErrReplaced if a scan is
// not open any more.
func (s *Store) Commit(ctx context.Context, c *Commit) (int64, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	var seq int64
	err := s.inTx(ctx, "commit to the state", func(tx *sql.Tx) error {
		t := transaction{ctx, tx, s}
		if err := t.before(c); err != nil {
			return err
		}
		var err error
		seq, err = t.log(c)
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// numbers is how many numbers of the log c takes.
func (c *Commit) numbers() int {
	if len(c.Changes) == 0 && (len(c.Resources) > 0 || c.Begin != "" || c.Finish != nil) {
		return 1
	}
	return len(c.Changes)
}

var errText = errors.New("a text of the state must be UTF-8 without NUL")

// check refuses texts that PostgreSQL would refuse, on every engine.
func (c *Commit) check() error {
	texts := []string{c.Begin}
	for _, r := range c.Resources {
		texts = append(texts, r.Type, r.ID)
	}
	for _, x := range c.Changes {
		texts = append(append(texts, x.Type, x.ID, string(x.Op), x.Source, x.Txn), x.Names...)
	}
	for _, v := range c.Values {
		texts = append(texts, v.Kind, v.Key)
	}
	return checkText(texts...)
}

func checkText(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return fmt.Errorf("%w: %q", errText, text)
		}
	}
	return nil
}

// transaction is a Commit under way.
type transaction struct {
	ctx context.Context
	tx  *sql.Tx
	s   *Store
}

func (t transaction) exec(statement string, args ...any) (int64, error) {
	result, err := t.execute(statement, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t transaction) execute(statement string, args []any) (sql.Result, error) {
	if p := t.s.prepared[statement]; p != nil {
		ctx, args := t.briefly(args)
		return t.tx.StmtContext(ctx, p).ExecContext(ctx, args...)
	}
	return t.tx.ExecContext(t.ctx, t.s.sql(statement), args...)
}

func (t transaction) queryRow(statement string, args ...any) *sql.Row {
	if p := t.s.prepared[statement]; p != nil {
		ctx, args := t.briefly(args)
		return t.tx.StmtContext(ctx, p).QueryRowContext(ctx, args...)
	}
	return t.tx.QueryRowContext(t.ctx, t.s.sql(statement), args...)
}

// before does the work on scans and pages, which needs no number, so that others wait less for
// theirs. Rows are taken in one order by all commits, so that none waits for one that waits for
// it: the lease, scans, the head of the log, and then values, resources and changes.
func (t transaction) before(c *Commit) error {
	if err := t.guard(c.Guard); err != nil {
		return err
	}
	if err := t.scansOpen(c); err != nil {
		return err
	}
	if c.Begin != "" {
		if err := t.dropOpen(c.Begin); err != nil {
			return err
		}
	}
	if err := t.pages(c.Pages); err != nil {
		return err
	}
	if c.Finish != nil {
		return t.finish(c.Finish)
	}
	return nil
}

// guard makes sure that the lease is held and stays so until the end.
func (t transaction) guard(l *Lease) error {
	if l == nil {
		return nil
	}
	var fence int64
	err := t.tx.QueryRowContext(t.ctx, `SELECT fence FROM sa_lease WHERE name = $1 AND owner = $2`+t.s.dialect.share,
		l.Name, l.Owner).Scan(&fence)
	if errors.Is(err, sql.ErrNoRows) || err == nil && fence != l.Fence {
		return fmt.Errorf("lease %s: %w", l.Name, ErrFenced)
	}
	return err
}

type scanKey struct {
	typ string
	id  int64
}

// scansOpen refuses pages for, and the end of, a scan that is not open.
func (t transaction) scansOpen(c *Commit) error {
	locks := map[scanKey]string{}
	for _, p := range c.Pages {
		locks[scanKey{p.Type, p.Scan}] = t.s.dialect.share
	}
	if c.Finish != nil {
		locks[scanKey{c.Finish.Type, c.Finish.ID}] = t.s.dialect.update
	}
	for k, lock := range locks {
		var ended int64
		err := t.tx.QueryRowContext(t.ctx, `SELECT ended FROM sa_scan WHERE type = $1 AND id = $2`+lock, k.typ, k.id).Scan(&ended)
		if errors.Is(err, sql.ErrNoRows) || err == nil && ended != 0 {
			return fmt.Errorf("scan %d of %s: %w", k.id, k.typ, ErrReplaced)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) pages(pages []Page) error {
	for _, p := range pages {
		if _, err := t.exec(`INSERT INTO sa_page (type, scan, no, at, total, docs) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (type, scan, no) DO UPDATE SET at = excluded.at, total = excluded.total, docs = excluded.docs`,
			p.Type, p.Scan, p.No, micros(p.At), p.Total, p.Docs); err != nil {
			return err
		}
	}
	return nil
}

// finish drops what the scan replaces, but for the resources: those are written
// by whoever has the number.
func (t transaction) finish(scan *Scan) error {
	if _, err := t.exec(`DELETE FROM sa_page WHERE type = $1 AND scan < $2`, scan.Type, scan.ID); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM sa_scan WHERE type = $1 AND id < $2`, scan.Type, scan.ID); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE sa_scan SET ended = :now, total = $1 WHERE type = $2 AND id = $3`, scan.Total, scan.Type, scan.ID)
	return err
}

// values writes in the order of the keys, so that two commits do not wait for each other.
func (t transaction) values(values []Value) error {
	ordered := slices.SortedStableFunc(slices.Values(values), func(a, b Value) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Key, b.Key))
	})
	for _, v := range ordered {
		var err error
		if v.Data == nil {
			_, err = t.exec(removeValue, v.Kind, v.Key)
		} else {
			_, err = t.exec(putValue, v.Kind, v.Key, micros(v.Expires), v.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// log takes the numbers and writes what has them, and values. From the first statement
// on, other commits wait; so resources are written in the order of their numbers.
func (t transaction) log(c *Commit) (int64, error) {
	n := c.numbers()
	if n == 0 {
		return 0, t.values(c.Values)
	}
	var seq, at int64
	if err := t.queryRow(takeNumbers, n).Scan(&seq, &at); err != nil {
		return 0, err
	}
	if c.Finish != nil {
		if _, err := t.exec(`DELETE FROM sa_resource WHERE type = $1 AND seq <= $2`, c.Finish.Type, c.Finish.ID); err != nil {
			return 0, err
		}
	}
	if c.Begin != "" {
		if err := t.begin(c.Begin, seq, at); err != nil {
			return 0, err
		}
	}
	if err := t.values(c.Values); err != nil {
		return 0, err
	}
	if err := t.resources(c.Resources, seq); err != nil {
		return 0, err
	}
	return seq, t.changes(c.Changes, seq, at)
}

// begin opens a scan, and drops one that another commit has begun since before.
func (t transaction) begin(typ string, seq, at int64) error {
	if err := t.dropOpen(typ); err != nil {
		return err
	}
	_, err := t.exec(`INSERT INTO sa_scan (type, id, began, ended, total) VALUES ($1, $2, $3, 0, 0)`, typ, seq, at)
	return err
}

func (t transaction) dropOpen(typ string) error {
	if _, err := t.exec(`DELETE FROM sa_page WHERE type = $1 AND scan IN (SELECT id FROM sa_scan WHERE type = $1 AND ended = 0)`, typ); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM sa_scan WHERE type = $1 AND ended = 0`, typ)
	return err
}

func (t transaction) resources(resources []Resource, seq int64) error {
	last := map[[2]string]int{}
	for i, r := range resources {
		last[[2]string{r.Type, r.ID}] = i
	}
	rows := make([][]any, 0, len(last))
	for i, r := range resources {
		if last[[2]string{r.Type, r.ID}] == i {
			rows = append(rows, []any{r.Type, r.ID, seq, flag(r.Gone), r.Doc})
		}
	}
	return t.insert(intoResources, rows)
}

func (t transaction) changes(changes []Change, seq, at int64) error {
	rows := make([][]any, len(changes))
	first := seq - int64(len(changes)) + 1
	for i, c := range changes {
		rows[i] = []any{first + int64(i), c.Type, c.ID, string(c.Op), c.Source, strings.Join(c.Names, "\n"), c.Txn, at, c.Before}
	}
	return t.insert(intoChanges, rows)
}

// insert writes rows, many with each statement.
func (t transaction) insert(into insertion, rows [][]any) error {
	for chunk := range slices.Chunk(rows, t.s.dialect.rows) {
		args := chunk[0]
		if len(chunk) > 1 {
			args = slices.Concat(chunk...)
		}
		if _, err := t.execute(into.of(len(chunk)), args); err != nil {
			return err
		}
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
