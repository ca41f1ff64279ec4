package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// round is one kill.
type round struct {
	options
	dir    string
	victim struct {
		name             string
		server, emulator bool
	}
	after int           // number of the write at which the kill is
	late  bool          // once the write was answered, not before it is sent on
	pause time.Duration // from then on

	wire             *wire
	emulator, server *process
	environ          []string

	sent, confirmed, intents, outcomes, made, there, open int
}

const token = "token-of-kill"

func (r *round) auditFile() string { return filepath.Join(r.dir, "audit.log") }

// play kills once and returns what is wrong after it.
func (r *round) play(ctx context.Context) (found []string, err error) {
	if r.wire, err = newWire(ctx); err != nil {
		return nil, err
	}
	if err := r.startEmulator(ctx); err != nil {
		return nil, err
	}
	address, err := r.startServer(ctx)
	if err != nil {
		return nil, err
	}
	var killing sync.Once
	var killed sync.WaitGroup
	killed.Add(1)
	r.wire.mu.Lock()
	r.wire.watch = func(n int, answered bool) {
		if n >= r.after && answered == r.late {
			killing.Do(func() {
				go func() {
					defer killed.Done()
					time.Sleep(r.pause)
					r.kill()
				}()
			})
		}
	}
	r.wire.mu.Unlock()
	body := r.bulk()
	answers := post(ctx, address, body)
	killed.Wait()
	r.wire.mu.Lock()
	r.wire.watch = nil
	r.wire.mu.Unlock()
	found, err = r.compare(ctx, answers)
	if err != nil {
		return nil, err
	}
	if r.victim.emulator {
		if err := r.startEmulator(ctx); err != nil {
			return nil, err
		}
	}
	r.server.kill() // what it holds to be there is gone with the emulator
	if address, err = r.startServer(ctx); err != nil {
		return nil, err
	}
	wrong, err := r.repeat(ctx, address, body)
	return append(found, wrong...), err
}

func (r *round) kill() {
	if r.victim.server {
		r.server.kill()
	}
	if r.victim.emulator {
		r.emulator.kill()
	}
}

func (r *round) close() {
	r.server.kill()
	r.emulator.kill()
	if r.wire != nil {
		r.wire.Close()
	}
}

func (r *round) startEmulator(ctx context.Context) error {
	p, address, environ, err := startEmulator(ctx, r.program)
	if err != nil {
		return err
	}
	r.emulator = p
	r.wire.direct(address)
	sum := sha256.Sum256([]byte(token))
	callers := filepath.Join(r.dir, "callers.json")
	if err := os.WriteFile(callers, fmt.Appendf(nil, `[{"name":"kill","bearer_sha256":%q,"rights":{"*":"write"}}]`, hex.EncodeToString(sum[:])), 0o600); err != nil {
		return err
	}
	r.environ = nil
	for _, line := range environ {
		r.environ = append(r.environ, strings.ReplaceAll(line, address, r.wire.listener.Addr().String()))
	}
	r.environ = append(r.environ, "ADMIN_LISTEN=", "SCIM_ATLASSIAN_CALLERS_FILE="+callers, "SCIM_ATLASSIAN_AUDIT="+r.auditFile(), "SCIM_ATLASSIAN_AUDIT_REQUIRED=true",
		"SCIM_ATLASSIAN_STATE=file:"+filepath.Join(r.dir, "state.db"), "SCIM_ATLASSIAN_REQUEST_TIMEOUT=5m", "SCIM_ATLASSIAN_LOG_LEVEL=info")
	return nil
}

func (r *round) startServer(ctx context.Context) (address string, err error) {
	r.server, address, err = startServer(ctx, r.program, r.environ)
	return address, err
}

// bulk is a request that makes users, groups, and issues with an externalId.
func (r *round) bulk() []byte {
	var operations []any
	for i := range r.operations {
		name := nameOf(i)
		path, data := "/Users", map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "externalId": name, "emails": []any{map[string]any{"value": name}}}
		switch {
		case i%10 == 8:
			path, data = "/Groups", map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name}
		case i%10 == 9:
			path, data = "/Issues", map[string]any{"schemas": []string{"urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"}, "summary": name, "externalId": name,
				"project": map[string]any{"key": "ACC"}, "issueType": map[string]any{"name": "Access request"}}
		}
		operations = append(operations, map[string]any{"method": "POST", "path": path, "bulkId": fmt.Sprint(i), "data": data})
	}
	body, _ := json.Marshal(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": operations}) // of plain values
	return body
}

func nameOf(i int) string {
	if i%10 == 8 || i%10 == 9 {
		return fmt.Sprintf("thing-%04d", i)
	}
	return fmt.Sprintf("p%04d@demo.example", i)
}

// answer is that of one operation.
type answer struct {
	BulkID   string `json:"bulkId"`
	Status   string `json:"status"`
	Response struct {
		Detail string `json:"detail"`
	} `json:"response"`
}

// post sends a bulk request. Without an answer it returns nil.
func post(ctx context.Context, address string, body []byte) []answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/scim/v2/Bulk", bytes.NewReader(body))
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var said struct{ Operations []answer }
	if json.NewDecoder(resp.Body).Decode(&said) != nil {
		return nil
	}
	return said.Operations
}

// audited is what the audit tells of the operations, by number from 1.
type audited struct {
	intended map[int]bool
	outcome  map[int]string
}

// readAudit reads the lines of the file up to now.
func (r *round) readAudit() (a audited, err error) {
	a = audited{map[int]bool{}, map[int]string{}}
	f, err := os.Open(r.auditFile())
	if err != nil {
		return a, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			Msg, Outcome string
			Operation    int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return a, fmt.Errorf("audit: %w: %s", err, lines.Text())
		}
		switch line.Msg {
		case "intent":
			a.intended[line.Operation] = true
		case "audit":
			a.outcome[line.Operation] = line.Outcome
		}
	}
	return a, nil
}

// compare holds what the wire saw, the audit and the answers against each other.
func (r *round) compare(ctx context.Context, answers []answer) (found []string, err error) {
	told, err := r.readAudit()
	if err != nil {
		return nil, err
	}
	wrong := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if err := verify(ctx, r.program, r.environ, r.auditFile()); err != nil {
		wrong("verify-audit: %v", err)
	}
	sent, confirmed := map[string]bool{}, map[string]bool{}
	for _, w := range r.wire.seen() {
		sent[w.name] = true
		confirmed[w.name] = confirmed[w.name] || w.status == http.StatusCreated
		r.sent++
		if w.status == http.StatusCreated {
			r.confirmed++
		}
	}
	r.intents, r.outcomes = len(told.intended), len(told.outcome)
	answered := map[string]string{}
	for _, a := range answers {
		answered[a.BulkID] = a.Status
	}
	for i := range r.operations {
		name, outcome, status := nameOf(i), told.outcome[i+1], answered[fmt.Sprint(i)]
		success := strings.HasPrefix(status, "2")
		switch {
		case sent[name] && !told.intended[i+1]:
			wrong("%s went over the wire without an intent", name)
		case outcome == "done" && !confirmed[name]:
			wrong("%s is done in the audit, and was not confirmed", name)
		case success && outcome != "done":
			wrong("%s was answered %s, and is %q in the audit", name, status, outcome)
		case answers != nil && !success && outcome == "done":
			wrong("%s was answered %q, and is done in the audit", name, status)
		case answers != nil && status != "" && outcome == "":
			wrong("%s was answered %s, and has no outcome in the audit", name, status)
		case confirmed[name] && outcome == "refused":
			wrong("%s was confirmed, and is refused in the audit", name)
		}
	}
	return found, nil
}

// repeat sends the request again and holds that everything is there once. An issue whose creation may still be under way
// for all that the server can know is answered 504 for a while; it is there once or not at all.
func (r *round) repeat(ctx context.Context, address string, body []byte) (found []string, err error) {
	wrong := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	answers := post(ctx, address, body)
	open := map[string]bool{}
	if len(answers) != r.operations {
		wrong("the repeated request has %d answers, not %d", len(answers), r.operations)
	}
	for _, a := range answers {
		switch a.Status {
		case "201":
			r.made++
		case "200", "409":
			r.there++
		case "504":
			i, _ := strconv.Atoi(a.BulkID) // a number, as it was sent
			if i%10 != 9 {
				wrong("operation %s again: %s %s", a.BulkID, a.Status, a.Response.Detail)
			}
			open[nameOf(i)] = true
			r.open++
		default:
			wrong("operation %s again: %s %s", a.BulkID, a.Status, a.Response.Detail)
		}
	}
	times := map[string]int{}
	for _, w := range r.wire.seen() {
		if w.life == r.wire.life && w.status == http.StatusCreated {
			times[w.name]++
		}
	}
	for i := range r.operations {
		if n := times[nameOf(i)]; n != 1 && !(n == 0 && open[nameOf(i)]) {
			wrong("%s was made %d times", nameOf(i), n)
		}
	}
	return found, nil
}
