package atlassian

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/go-retryablehttp"
)

// request is one upstream operation.
type request struct {
	op    string     // method and route template; each {name} is filled from args in order
	args  []string   // unescaped
	named string     // the id that the answer must have; empty: any
	query url.Values // nil: none
	body  any        // nil: none
	into  any        // pointer to the decoded answer; nil: the answer has no body

	// reads says that the operation changes nothing, whatever its method.
	reads bool
	// repeatable says that the operation has the same effect twice as once; reads implies it.
	repeatable bool
	// unique says that upstream refuses the operation as a Conflict if it was done before, so that it may be repeated.
	// Such a Conflict after an attempt of unknown outcome is Ambiguous.
	unique bool
	// whole says that the operation is about no one thing: 404 then says that the API is not there.
	whole bool
	// scans says that it is a part of reading everything.
	scans bool
	// revokes says that it takes something away from somebody, which is to happen soon.
	revokes bool
}

// harmless reports whether the operation may be repeated when its outcome is unknown.
func (q *request) harmless() bool { return q.reads || q.repeatable || q.unique }

func (q *request) method() string { m, _, _ := strings.Cut(q.op, " "); return m }

// accepter is implemented by answers that have a mark to recognize them by. accept completes the answer and reports
// whether it has the mark, so that a proxy's {} does not pass for an empty list.
type accepter interface{ accept() bool }

// identified is implemented by answers that name the resource that they are.
type identified interface{ identity() string }

// reader is implemented by answers that read themselves from what upstream sent, rather than by the decoder alone. They
// keep body, and spare is memory for it, which they give away.
type reader interface {
	spare() []byte
	read(body []byte) error
}

// fetch calls q and returns its answer as a T; it returns nil on error.
func fetch[T any](ctx context.Context, c *caller, q request) (*T, error) {
	answer := new(T)
	q.into = answer
	if err := c.call(ctx, q); err != nil {
		return nil, err
	}
	return answer, nil
}

// call makes a request: it builds it, sends it within the limits and with retries, classifies the answer and decodes
// it. Every request of the package goes through call. Its errors are *Error.
func (c *caller) call(ctx context.Context, q request) error {
	req, err := c.build(ctx, q)
	if err != nil {
		return err
	}
	o := &operation{caller: c, request: q, body: c.buffer(q.into), work: c.cfg.Work(ctx)}
	defer c.release(o.body)
	if err := o.send(req); err != nil {
		return o.failure(ctx, err)
	}
	if o.verdict == nil {
		return nil
	}
	if o.verdict.Kind == NotFound {
		return c.missing(ctx, o)
	}
	return o.verdict
}

// believed is for how long after an answer the API is taken to be there.
const believed = 10 * time.Second

// missing judges a 404: it is about the resource only if the API itself is there. An earlier attempt to delete, whose
// answer was lost, may have been what deleted it.
func (c *caller) missing(ctx context.Context, o *operation) error {
	if c.probe != nil && time.Since(time.Unix(0, c.answered.Load())) > believed {
		if err := c.probe(ctx); err != nil {
			return &Error{Kind: Garbled, Op: o.op, Status: o.verdict.Status, TraceID: o.verdict.TraceID, Ambiguous: o.ambiguous(), Err: err,
				Detail: "upstream says that there is no such thing, and cannot say anything else"}
		}
	}
	if o.unknown && o.method() == http.MethodDelete {
		return nil
	}
	return o.verdict
}

func (c *caller) build(ctx context.Context, q request) (*retryablehttp.Request, error) {
	route, err := q.route()
	if err != nil {
		return nil, err
	}
	var body any
	if q.body != nil {
		encoded, err := json.Marshal(q.body)
		if err != nil {
			return nil, &Error{Kind: Invalid, Op: q.op, Detail: "the request cannot be written as JSON", Err: err}
		}
		body = encoded
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, q.method(), c.base+route, body)
	if err != nil {
		return nil, &Error{Kind: Invalid, Op: q.op, Detail: "the request cannot be sent", Err: err}
	}
	req.Header.Set("Authorization", *c.authorization.Load())
	req.Header.Set("Accept", c.accept)
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if body != nil {
		req.Header.Set("Content-Type", c.contentType)
	}
	return req, nil
}

// route fills the template. An id that no URL can carry safely names nothing, so it is answered like an unknown one.
func (q *request) route() (string, error) {
	_, rest, _ := strings.Cut(q.op, " ")
	var filled strings.Builder
	for _, arg := range q.args {
		if !isSegment(arg) {
			return "", &Error{Kind: NotFound, Op: q.op, Detail: "no such id"}
		}
		before, tail, _ := strings.Cut(rest, "{")
		_, rest, _ = strings.Cut(tail, "}")
		filled.WriteString(before + url.PathEscape(arg))
	}
	route := filled.String() + rest
	if len(q.query) > 0 {
		// Encode writes a space as +, which only form decoders understand.
		route += "?" + strings.ReplaceAll(q.query.Encode(), "+", "%20")
	}
	return route, nil
}

// isSegment reports whether id can be one segment of a path.
func isSegment(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= 1024 && utf8.ValidString(id) &&
		!strings.ContainsFunc(id, isControl)
}

// judge returns nil for the answer that the operation asked for, decoded, else the error that the answer stands for.
func (o *operation) judge(resp *http.Response) *Error {
	if failed := o.classify(resp); failed != nil {
		return failed
	}
	return o.decode(resp)
}

func (o *operation) decode(resp *http.Response) *Error {
	body := bytes.TrimSpace(o.body.Bytes())
	if o.into == nil {
		if len(body) > 0 && body[0] != '{' && body[0] != '[' {
			return o.garbled(resp, body, nil)
		}
		return nil
	}
	if _, ok := o.into.(reader); ok {
		*o.body = bytes.Buffer{} // the reader keeps it
	}
	if err := decodeInto(o.into, body); err != nil {
		return o.garbled(resp, body, err)
	}
	if a, ok := o.into.(accepter); ok && !a.accept() {
		return o.garbled(resp, body, fmt.Errorf("%T lacks what identifies it", o.into))
	}
	if i, ok := o.into.(identified); ok && o.named != "" && !strings.EqualFold(i.identity(), o.named) {
		return o.garbled(resp, body, fmt.Errorf("%T is another than was asked for", o.into))
	}
	return nil
}

func decodeInto(into any, body []byte) error {
	if r, ok := into.(reader); ok {
		return r.read(body)
	}
	reflect.ValueOf(into).Elem().SetZero() // of what a garbled answer has left there
	return json.Unmarshal(body, into)
}

// buffer returns memory for an answer that is to be decoded into a value: what this has kept of an earlier answer, if it
// keeps its answers.
func (c *caller) buffer(into any) *bytes.Buffer {
	if r, ok := into.(reader); ok {
		return bytes.NewBuffer(r.spare())
	}
	if b, ok := c.buffers.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

// release keeps a buffer for reuse, unless a rare giant of an answer made it large.
func (c *caller) release(b *bytes.Buffer) {
	if b.Cap() <= 4<<20 {
		b.Reset()
		c.buffers.Put(b)
	}
}
