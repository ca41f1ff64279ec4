package browser_test

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var (
	required = flag.Bool("required", false, "fail where there is no Chromium")
	pictures = flag.String("pictures", "", "directory to put pictures of the pages into")
	lasting  = flag.Duration("traffic", 0, "how long clients are at work before pictures are taken")
)

// browser is a tab of a headless Chromium that signs in as the operator when it is asked to.
type browser struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the browser complained of
	asked    int      // how often it was asked to sign in
}

// find returns the path of a Chromium.
func find(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if *required {
		t.Fatal("there is no Chromium: Debian's package chromium")
	}
	t.Skip("there is no Chromium")
	return ""
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(find(t)), chromedp.WindowSize(1360, 900), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	yes := true
	send(b, log.Enable, cdp.Empty{})
	send(b, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &yes})
	return b
}

// hear answers requests to sign in, and keeps complaints.
func (b *browser) hear(event any) {
	switch e := event.(type) {
	case *fetch.EventRequestPaused:
		go chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
	case *fetch.EventAuthRequired:
		b.mu.Lock()
		b.asked++
		b.mu.Unlock()
		go chromedp.Call(b.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID,
			AuthChallengeResponse: &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: "operator", Password: "operator"}})
	case *log.EventEntryAdded:
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			b.mu.Lock()
			b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
			b.mu.Unlock()
		}
	}
}

// patience is how long a page may take.
const patience = 45 * time.Second

// run does actions.
func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatalf("%v\ncomplaints: %q", err, b.problems)
	}
}

// send sends a command of the protocol.
func send[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.Fatal(err)
	}
}

// get does an action that has a result.
func get[T any](b *browser, action chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		b.Fatalf("%v\ncomplaints: %q", err, b.problems)
	}
	return result
}

// eval runs a function of page.js.
func eval[T any](b *browser, function string) T {
	b.Helper()
	return get(b, chromedp.Evaluate[T](script+"\n"+function+"()"))
}

// text is that of an element.
func (b *browser) text(selector string) string {
	b.Helper()
	return get(b, chromedp.Text(chromedp.CSS(selector)))
}

// script is the part of the test that looks from inside the page.
//
//go:embed page.js
var script string

// scheme has the system of the browser be light or dark, or neither.
func (b *browser) scheme(name string) {
	b.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}
	send(b, emulation.SetEmulatedMedia, params)
}

// size sets the size of the screen.
func (b *browser) size(width, height int64) {
	b.Helper()
	send(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// click follows a link of the navigation.
func (b *browser) click(name string) {
	b.Helper()
	b.run(chromedp.Click(chromedp.Search(fmt.Sprintf(`//nav//a[text()=%q]`, name))), b.shows(`//h1[text()=%q]`, name))
}

// shows waits for an element, which XPath finds.
func (b *browser) shows(format string, args ...any) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(chromedp.Search(fmt.Sprintf(format, args...)))
}

// names are the pages in the order of the navigation.
var names = []string{"Now", "Budget", "Reconciliations", "Changes", "To be dealt with", "Filter", "Person"}

// TestConsole goes through the pages as an operator does.
func TestConsole(t *testing.T) {
	b := newBrowser(t)
	s := newSite(t)
	user, refused := s.work(t)
	s.reconcile(t)
	for end := time.Now().Add(*lasting); time.Now().Before(end); time.Sleep(4 * time.Second) {
		s.traffic(t.Context())
	}
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.run(chromedp.Navigate(s.console))
	if b.asked == 0 || b.text("h1") != "Now" {
		t.Fatalf("asked to sign in %d times, then %q", b.asked, b.text("h1"))
	}
	for _, name := range names {
		b.click(name)
		b.checkPage(name)
	}
	b.filter(s)
	b.person(s, user)
	b.release(s, refused)
	b.keyboard(s)
	if *pictures != "" {
		b.pictures(s, user)
	}
	if len(b.problems) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(b.problems, "\n"))
	}
}

// checkPage looks at the page that is shown, in light and dark, on a wide and on a narrow screen.
func (b *browser) checkPage(name string) {
	b.Helper()
	for end := time.Now().Add(patience); !get(b, chromedp.Evaluate[bool](`document.readyState === "complete"`)); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%s is not loaded", name)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		if faint := eval[[]string](b, "faint"); len(faint) > 0 {
			b.Errorf("%s, %s: too little contrast (WCAG 2.2, 1.4.3 and 1.4.11):\n%s", name, scheme, strings.Join(faint, "\n"))
		}
	}
	b.scheme("light")
	if faults := eval[[]string](b, "faults"); len(faults) > 0 {
		b.Errorf("%s:\n%s", name, strings.Join(faults, "\n"))
	}
	for _, width := range []int64{320, 768, 1200, 1360} {
		b.size(width, 900)
		if wide := get(b, chromedp.Evaluate[float64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); wide > 0 {
			b.Errorf("%s: %v pixels too wide for a screen of %d: %q", name, wide, width, eval[[]string](b, "wide"))
		}
		if clipped := eval[[]string](b, "clipped"); width >= 1200 && len(clipped) > 0 {
			b.Errorf("%s: cut off on a screen of %d: %q", name, width, clipped)
		}
	}
}

// filter types a filter, and runs it.
func (b *browser) filter(s *site) {
	b.Helper()
	b.click("Filter")
	b.run(chromedp.SetValue(chromedp.CSS("#type"), "Issue"), chromedp.SendKeys(chromedp.CSS("#filter"), `status.name eq "Done" and summary co "vpn"`),
		chromedp.Click(chromedp.Search(`//button[text()="Run"]`)), chromedp.WaitVisible(chromedp.CSS("#hits")))
	text := b.text("main")
	for _, want := range []string{"Asked of Jira (JQL)", "status IN", "Checked here", "Requests made", "curl -s -G -u USER:PASSWORD", s.scim + "/Issues"} {
		if !strings.Contains(text, want) {
			b.Errorf("the filter's page lacks %q:\n%s", want, text)
		}
	}
	b.checkPage("Filter with hits")
	b.run(chromedp.SetValue(chromedp.CSS("#filter"), `status.name eq`), chromedp.SendKeys(chromedp.CSS("#filter"), kb.Enter), chromedp.WaitVisible(chromedp.CSS(".refusal")))
	b.checkPage("Filter refused")
}

// person looks somebody up, and what was changed about them.
func (b *browser) person(s *site, user string) {
	b.Helper()
	b.click("Person")
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "an\r"), chromedp.WaitVisible(chromedp.CSS("#people")))
	b.checkPage("People")
	b.run(chromedp.Navigate(s.console+"/person?id="+user), chromedp.WaitVisible(chromedp.CSS("#access")))
	b.checkPage("Person found")
	b.run(chromedp.Click(chromedp.Search(`//a[contains(text(), "Everything that was changed")]`)), chromedp.WaitVisible(chromedp.CSS("#changes")))
	text := b.text("#changes")
	if !strings.Contains(text, "PATCH User") || !strings.Contains(text, "PATCH Group") {
		b.Errorf("everything about the person: %s", text)
	}
	b.checkPage("Changes of a person")
}

// release releases the hold, after which the client's own retry passes.
func (b *browser) release(s *site, refused string) {
	b.Helper()
	b.click("To be dealt with")
	text := b.text("main")
	for _, want := range []string{"1 hold waits for a release, and 1 write has an unknown outcome", "lost@demo.example", "okta"} {
		if !strings.Contains(text, want) {
			b.Errorf("To be dealt with lacks %q:\n%s", want, text)
		}
	}
	b.checkPage("A hold")
	if *pictures != "" {
		b.picture("todo", 1200)
	}
	b.run(chromedp.SetValue(chromedp.CSS("#holds select"), "60"), chromedp.Click(chromedp.CSS("#holds button")), chromedp.WaitVisible(chromedp.Search(`//*[contains(text(), "by operator")]`)))
	if status, answer := s.do(b.Context(), "okta", "DELETE", "/Users/"+refused, ""); status != 204 {
		b.Errorf("after the release: %d %s", status, answer)
	}
	b.checkPage("A hold that was released")
}

// focus is where the keyboard is.
type focus struct {
	Name    string `json:"name"`
	Visible bool   `json:"visible"`
}

// keyboard goes through a page with the Tab key alone.
func (b *browser) keyboard(s *site) {
	b.Helper()
	for _, path := range []string{"/now", "/changes", "/filter", "/todo"} {
		b.run(chromedp.Navigate(s.console+path), chromedp.WaitVisible(chromedp.CSS("h1")))
		want := eval[int](b, "focusable")
		seen := map[string]bool{}
		for i := range want {
			b.run(chromedp.KeyEvent(kb.Tab))
			at := eval[focus](b, "focused")
			if i == 0 && at.Name != "Skip to the content" {
				b.Errorf("%s: the first stop is %q", path, at.Name)
			}
			if !at.Visible {
				b.Errorf("%s: the focus on %q cannot be seen", path, at.Name)
			}
			seen[fmt.Sprint(at.Name, i)] = true
		}
		if len(seen) != want {
			b.Errorf("%s: %d stops of the Tab key, want %d", path, len(seen), want)
		}
	}
	b.run(chromedp.Navigate(s.console+"/now"), chromedp.Focus(chromedp.Search(`//nav//a[text()="Budget"]`)), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.Search(`//h1[text()="Budget"]`)))
}

// pictures takes those of the documentation.
func (b *browser) pictures(s *site, user string) {
	b.Helper()
	b.run(chromedp.Navigate(s.console + "/now"))
	b.picture("now", 1200)
	filter := url.Values{"type": {"Issue"}, "filter": {`status.name eq "Done" and (priority.name eq "High" or summary co "laptop")`}, "run": {"1"}}
	b.run(chromedp.Navigate(s.console + "/filter?" + filter.Encode()))
	b.picture("filter", 1200)
	b.run(chromedp.Navigate(s.console + "/person?id=" + user))
	b.picture("person", 1200)
	for _, name := range []string{"Budget", "Reconciliations", "Changes"} {
		b.click(name)
		b.picture(strings.ToLower(name), 1200)
	}
	b.scheme("dark")
	b.run(chromedp.Navigate(s.console + "/now"))
	b.picture("now-dark", 1200)
	b.scheme("light")
}

// picture takes one, of the whole page.
func (b *browser) picture(name string, width int64) {
	b.Helper()
	b.size(width, 300)
	b.size(width, int64(get(b, chromedp.Evaluate[float64](`document.documentElement.scrollHeight`))))
	shot := get(b, chromedp.CaptureScreenshot())
	b.size(1360, 900)
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), smaller(b.T, shot), 0o644); err != nil {
		b.Fatal(err)
	}
}

// TestDemo takes Jira away with a button of the demo, and sees it told.
func TestDemo(t *testing.T) {
	b := newBrowser(t)
	program := build(t)
	s := &site{}
	address := regexp.MustCompile(`^(SCIM 2\.0|Console) +(http\S+)`)
	start(t, func(line string) bool {
		if found := address.FindStringSubmatch(line); found != nil && found[1] == "Console" {
			s.console = found[2]
		} else if found != nil {
			s.scim = found[2]
		}
		return strings.Contains(line, "Ctrl-C")
	}, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, program, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	u, err := url.Parse(s.console)
	if err != nil || u.Host == "" {
		t.Fatalf("the demo's console: %q", s.console)
	}
	u.User = url.UserPassword("demo", "demo")
	send(b, fetch.Disable, cdp.Empty{})
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.run(chromedp.Navigate(u.String()), chromedp.WaitVisible(chromedp.CSS("#faults")))
	b.checkPage("Now of the demo")
	b.run(chromedp.Click(chromedp.Search(`//button[text()="Jira is down"]`)), b.shows(`//textarea[contains(text(), "rest")]`))
	var rules, lead string
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(time.Second) {
		b.run(chromedp.Navigate(s.console + "/now"))
		rules, lead = get(b, chromedp.Value(chromedp.CSS("#rules"))), b.text(".lead")
		if strings.Contains(lead, "Jira") || time.Now().After(end) {
			break
		}
	}
	if rules != "path=/rest/ status=503" || !strings.Contains(lead, "Jira cannot be used at present") {
		t.Errorf("rules %q, then %q", rules, lead)
	}
	b.checkPage("Now without Jira")
	if *pictures != "" {
		b.picture("outage", 1200)
	}
	b.run(chromedp.Click(chromedp.Search(`//button[text()="No faults"]`)), b.shows(`//textarea[not(text())]`))
	if rules = get(b, chromedp.Value(chromedp.CSS("#rules"))); rules != "" {
		t.Errorf("the rules are still %q", rules)
	}
	if len(b.problems) > 0 {
		t.Errorf("the browser complained:\n%s", strings.Join(b.problems, "\n"))
	}
}
