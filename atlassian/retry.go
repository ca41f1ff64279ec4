package atlassian

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"go.uber.org/zap"

	"scim-atlassian/atlassian/admission"
)

const (
	maxBackoff = 30 * time.Second
	maxSpoils  = 2 // repetitions after answers that are none; what the API does not give, it does not give later either
)

var (
	errOversize = errors.New("answer exceeds MaxResponseBytes")
	errReplayed = errors.New("connection was stale, net/http sent the request again")
)

// unsent wraps an error that came before the first byte was sent.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// operation is one call in progress. It is the transport, the retry policy and the backoff of its retryablehttp.Client,
// and holds the state that they share. It belongs to one goroutine.
type operation struct {
	*caller
	request
	body     *bytes.Buffer // of the last answer
	work     Work
	attempts int
	since    time.Time     // when the next attempt began to wait
	waited   time.Duration // part of MaxRetryWait that is used up
	wait     time.Duration // wait before the next attempt
	unknown  bool          // an attempt was sent and its outcome is unknown
	sent     []byte        // the body of the request
	mark     uint64        // of what a write does, see doubt.Writes
	spoils   int           // answers that were none
	verdict  *Error        // on the last answer; nil: it is what was asked for
}

// send makes the attempts. Afterwards o.verdict says what the last answer means.
func (o *operation) send(req *retryablehttp.Request) error {
	o.since = time.Now()
	client := &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: o, CheckRedirect: stay},
		RetryMax:   o.cfg.MaxRetries,
		CheckRetry: o.again,
		Backoff: func(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
			o.waited += o.wait
			return o.wait
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	if body, err := req.BodyBytes(); err == nil {
		o.sent, o.mark = body, o.doubts.Mark(req.Request, body)
	}
	_, err := client.Do(req) //nolint:bodyclose // RoundTrip has read and closed it
	return err
}

// stay returns a redirect to the caller, like any other answer. To follow it could send the credential elsewhere.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// RoundTrip makes one attempt within the limits of the client. The answer is read to its end here, so that a cut in
// the middle of it is an error of the attempt, and the attempt's timeout covers it.
func (o *operation) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := o.certain(req); err != nil {
		return nil, unsent{err}
	}
	pass, err := o.enter(req.Context())
	if err != nil {
		return nil, err
	}
	var resp *http.Response
	defer func() { o.leave(req.Context(), pass, resp, err) }()

	o.attempts++
	start := time.Now()
	idle := start.Sub(o.since)
	resp, err = o.exchange(req)
	o.since = time.Now()
	call := Call{Op: o.op, Host: req.URL.Host, Duration: o.since.Sub(start), Attempt: o.attempts, Waited: idle, Err: err}
	if err == nil {
		o.verdict = o.judge(resp)
		call.Verdict, call.TraceID = o.verdict, o.traceID(resp)
	}
	o.report(req.Context(), resp, call)
	if err != nil {
		o.lost(req, start, err)
		return nil, err
	}
	if o.verdict == nil {
		o.answered.Store(o.since.UnixNano())
	}
	o.unknown = o.unknown || o.spoilt() && (resp.StatusCode < 300 || o.verdict.Err != nil) || resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented
	if o.verdict != nil {
		o.verdict.Ambiguous = o.ambiguous()
	}
	return resp, nil
}

// certain waits until no write of somebody who gave up can undo this one, or what is read for the sake of one. It fails
// if that takes longer than the operation may wait; then nothing was sent.
func (o *operation) certain(req *http.Request) error {
	if o.reads && !o.work.Changes {
		return nil
	}
	waited, left, err := o.doubts.Wait(req.Context(), req, o.mark, min(o.cfg.MaxRetryWait-o.waited, untilDeadline(req.Context())))
	if o.waited += waited; left > 0 {
		return &Error{Kind: Unavailable, RetryAfter: left, Detail: "an earlier change of the same resource was not answered and may still take effect"}
	}
	return err
}

// lost notes an attempt, begun at start, that got no answer. If the client gave up waiting for it, upstream may be at it
// still.
func (o *operation) lost(req *http.Request, start time.Time, err error) {
	if surelyUnsent(err) {
		return
	}
	o.unknown = true
	var network net.Error
	gaveUp := req.Context().Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
	if gaveUp && !o.reads {
		o.doubts.Add(req, o.mark, o.sent, later(time.Now(), start.Add(o.cfg.Timeout)))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// spoilt reports whether the last answer is none that the API gives.
func (o *operation) spoilt() bool { return o.verdict != nil && o.verdict.Kind == Garbled }

func (o *operation) exchange(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), o.cfg.Timeout)
	defer cancel()
	var sent sending
	resp, err := o.cfg.Transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, sent.trace())))
	for range sent.written.Load() - 1 {
		o.report(req.Context(), nil, Call{Op: o.op, Host: req.URL.Host, Attempt: o.attempts, Err: errReplayed, Replayed: true})
	}
	if err != nil {
		if sent.surelyNot() {
			err = unsent{err}
		}
		return nil, err
	}
	defer resp.Body.Close()
	o.body.Reset()
	n, err := o.body.ReadFrom(io.LimitReader(resp.Body, o.cfg.MaxResponseBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if n > o.cfg.MaxResponseBytes {
		return nil, errOversize
	}
	resp.Body = http.NoBody
	return resp, nil
}

// sending counts the steps of sending a request. On a stale connection net/http repeats a GET by itself, so that one
// attempt may be written twice; upstream may have seen both.
type sending struct{ asked, connected, written atomic.Int32 }

func (s *sending) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { s.asked.Add(1) },
		GotConn:      func(httptrace.GotConnInfo) { s.connected.Add(1) },
		WroteHeaders: func() { s.written.Add(1) },
	}
}

// surelyNot reports whether the request was refused for want of a connection. A transport that does not report its
// progress leaves that open.
func (s *sending) surelyNot() bool { return s.asked.Load() > 0 && s.connected.Load() == 0 }

func (o *operation) report(ctx context.Context, resp *http.Response, call Call) {
	call.Background = isBackground(ctx)
	if resp != nil {
		call.Status = resp.StatusCode
	}
	if entry := o.cfg.Logger.Check(zap.DebugLevel, "upstream call"); entry != nil {
		entry.Write(zap.String("op", call.Op), zap.Int("status", call.Status), zap.Int("attempt", call.Attempt),
			zap.Duration("duration", call.Duration), zap.Duration("waited", call.Waited), zap.Error(o.hush(call.Err)))
	}
	o.cfg.OnCall(ctx, call)
}

// again is the retry policy. A 429 and a request that was never sent changed nothing and may always be repeated; after
// a 5xx, a cut, a timeout or an answer that is none only an operation that this does no harm may.
func (o *operation) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil || !o.worthRepeating(resp, err) {
		return false, nil
	}
	limited := resp != nil && resp.StatusCode == http.StatusTooManyRequests
	if !limited && !o.gate.MayRepeat(o.method() == http.MethodDelete) {
		return false, nil
	}
	o.wait = 0
	if resp != nil {
		o.wait = admission.RetryAfter(resp.Header, time.Now())
	}
	if o.wait == 0 {
		o.wait = o.backoff()
	}
	most := o.cfg.MaxRetryWait
	if limited {
		most = o.patience()
	}
	return o.wait <= min(most-o.waited, untilDeadline(ctx)), nil
}

func (o *operation) worthRepeating(resp *http.Response, err error) bool {
	switch {
	case err != nil:
		return !hopeless(err) && (surelyUnsent(err) || o.harmless())
	case resp.StatusCode == http.StatusTooManyRequests:
		return true
	}
	if o.spoilt() {
		o.spoils++
		return o.spoils <= maxSpoils && o.harmless()
	}
	return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented && o.harmless()
}

// ambiguous reports whether a failed operation may nevertheless have taken effect.
func (o *operation) ambiguous() bool { return o.unknown && !o.reads }

func (o *operation) backoff() time.Duration {
	d := float64(o.cfg.RetryBase) * math.Pow(2, float64(max(o.attempts-1, 0)))
	return time.Duration(min(d, float64(maxBackoff)) * (0.7 + 0.6*o.cfg.Rand()))
}

// surelyUnsent reports whether upstream cannot have seen the request.
func surelyUnsent(err error) bool {
	var early unsent
	return errors.As(err, &early)
}

// hopeless reports whether another attempt would fail in the same way: the client itself refused, the answer is too
// large, the certificate is not upstream's, or the host does not exist.
func hopeless(err error) bool {
	var refused *Error
	var certificate *tls.CertificateVerificationError
	var lookup *net.DNSError
	return errors.As(err, &refused) || errors.Is(err, errOversize) || errors.As(err, &certificate) ||
		errors.As(err, &lookup) && lookup.IsNotFound
}

// failure returns the Error of an operation that got no answer.
func (o *operation) failure(ctx context.Context, err error) *Error {
	var refused *Error
	if errors.As(err, &refused) && ctx.Err() == nil { // when ctx has ended, err may be its cause, the error of another operation
		refused.Op, refused.Ambiguous = o.op, o.ambiguous()
		return refused
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // its text would put the URL and the values in it into the log
	}
	e := &Error{Kind: Unreachable, Op: o.op, Detail: "the connection to upstream failed", Ambiguous: o.ambiguous(), Err: o.hush(err)}
	var network net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Detail = Canceled, "the request was given up"
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		e.Kind, e.Detail = Timeout, "upstream did not answer in time"
	case errors.Is(err, errOversize):
		e.Kind, e.Detail = Garbled, "upstream's answer is too large"
	}
	return e
}
