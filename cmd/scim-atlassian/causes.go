package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
)

// causes are what may be behind the findings of a test, or will be behind those of another day. They are silent where all
// is well.
func (c *config) causes(ctx context.Context, u *upstream, tested []connector.Finding) []connector.Finding {
	found := append(c.clockFindings(ctx), c.sameKeys()...)
	found = append(found, c.keyFindings(ctx, u, tested)...)
	return append(found, headroomFindings(u)...)
}

const (
	longestCause = 10 * time.Second // for one request of causes
	skewed       = time.Minute      // by which a clock is wrong, to certificates and tokens
)

// clockFindings compares the clock with that of Jira, by the Date of an answer. No credential is sent for it.
func (c *config) clockFindings(ctx context.Context) []connector.Finding {
	ctx, cancel := context.WithTimeout(ctx, longestCause)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.SiteURL, nil)
	if err != nil {
		return nil
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	began := time.Now()
	response, err := client.Do(r)
	if err != nil {
		return nil // the test of Jira says why
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return nil
	}
	off := began.Sub(theirs).Round(time.Second)
	if off.Abs() < skewed {
		return nil
	}
	return []connector.Finding{{Capability: "clock", Outcome: connector.OutcomeFailed,
		Detail: fmt.Sprintf("this machine's clock differs from Atlassian's by %v: access tokens and cursors are judged wrongly", off.Abs()), Fix: "synchronize it (NTP)"}}
}

// proxyFindings names the proxies that requests to Atlassian go through, without their credentials, and tries whether
// they are there.
func (c *config) proxyFindings(ctx context.Context, environ []string) []connector.Finding {
	set := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		set[name] = value
	}
	of := func(name string) string { return cmp.Or(set[name], set[strings.ToLower(name)]) } // as net/http reads them
	proxies := (&httpproxy.Config{HTTPProxy: of("HTTP_PROXY"), HTTPSProxy: of("HTTPS_PROXY"), NoProxy: of("NO_PROXY")}).ProxyFunc()
	through := map[string][]string{}
	for _, address := range []string{c.SCIMURL, c.SiteURL} {
		to, err := url.Parse(address)
		if err != nil {
			continue
		}
		proxy, err := proxies(to)
		switch {
		case err != nil: // which may quote the credentials
			return []connector.Finding{{Capability: "proxy", Outcome: connector.OutcomeFailed, Detail: "HTTPS_PROXY is no address", Fix: "write it as http://host:port"}}
		case proxy != nil && !slices.Contains(through[hostAndPort(proxy)], to.Hostname()):
			through[hostAndPort(proxy)] = append(through[hostAndPort(proxy)], to.Hostname())
		}
	}
	var found []connector.Finding
	for _, proxy := range slices.Sorted(maps.Keys(through)) {
		f := connector.Finding{Capability: "proxy", Outcome: connector.OutcomeOK, Detail: fmt.Sprintf("requests to %s go through %s", strings.Join(through[proxy], " and "), proxy)}
		dialer := net.Dialer{Timeout: longestCause}
		conn, err := dialer.DialContext(ctx, "tcp", proxy)
		if err == nil {
			conn.Close()
		} else {
			f.Outcome, f.Fix = connector.OutcomeFailed, "look at HTTPS_PROXY and NO_PROXY: nothing answers at the proxy"
		}
		found = append(found, f)
	}
	return found
}

// hostAndPort is where a proxy listens, as net/http completes it.
func hostAndPort(proxy *url.URL) string {
	port := map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	return net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), port, "80"))
}

// keyFindings tries whether a credential that is refused is another's: keys of different kinds look alike.
func (c *config) keyFindings(ctx context.Context, u *upstream, tested []connector.Finding) []connector.Finding {
	denied := func(capability string) bool {
		return slices.ContainsFunc(tested, func(f connector.Finding) bool {
			return f.Capability == capability && f.Outcome == connector.OutcomeDenied
		})
	}
	opens := func(key secret) bool {
		d, err := atlassian.NewDirectory(atlassian.Config{MaxRetries: -1, Timeout: longestCause}, c.SCIMURL, c.DirectoryID, string(key))
		if err != nil {
			return false
		}
		defer d.CloseIdleConnections()
		_, err = d.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
		return err == nil
	}
	mixed := func(detail, fix string) []connector.Finding {
		return []connector.Finding{{Capability: "kinds of keys", Outcome: connector.OutcomeFailed, Detail: detail, Fix: fix}}
	}
	switch {
	case !denied("directory"):
	case u.organization != nil && opens(c.OrganizationAPIKey):
		return mixed("SCIM_ATLASSIAN_ORGANIZATION_API_KEY holds the key of the directory", "put it into DIRECTORY_API_KEY, and a key of the organization in its place")
	case denied("jira") && opens(c.AccountSecurityAPIKey):
		return mixed("ACCOUNT_SECURITY_API_KEY holds the key of the directory", "exchange it with DIRECTORY_API_KEY, or put an API token of ADMIN_EMAIL in its place")
	}
	return nil
}

// lowRoom is the part of a limit that should be left when nobody else is at work.
const lowRoom = 0.2

// headroomFindings names the limits of Atlassian of which little is left: others call with the same credentials, or
// for the same organization.
func headroomFindings(u *upstream) []connector.Finding {
	var found []connector.Finding
	clients := map[string]func() atlassian.Limits{"directory": u.directory.Limits, "jira": u.jira.Limits}
	if u.organization != nil {
		clients["organization"] = u.organization.Limits
	}
	for name, limits := range clients {
		for _, l := range limits().Limits {
			if l.Limit > 0 && float64(l.Left) < lowRoom*float64(l.Limit) {
				found = append(found, connector.Finding{Capability: "headroom of " + name, Outcome: connector.OutcomeLimited,
					Detail: fmt.Sprintf("%d of %d requests are left for %s", l.Left, l.Limit, l.Route), Fix: "look for what else calls Atlassian, or lower SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY"})
			}
		}
	}
	slices.SortFunc(found, func(a, b connector.Finding) int { return strings.Compare(a.Capability+a.Detail, b.Capability+b.Detail) })
	return found
}

// surplusFindings name callers whose rights undo what protects from a mistake of theirs.
func (c *config) surplusFindings(callers []auth.Caller) []connector.Finding {
	var found []connector.Finding
	for _, caller := range callers {
		if caller.Release && caller.Writes() && c.ChangeBudget != "off" {
			found = append(found, connector.Finding{Capability: "rights", Outcome: connector.OutcomeLimited,
				Detail: caller.Name + " may write, and release what the change budget holds back of its own writes", Fix: "give release to a caller that cannot write"})
		}
	}
	return found
}

// issueRights are the permissions in Jira that only writes of issues need, as findings call them.
var issueRights = []string{"permission CREATE_ISSUES", "permission EDIT_ISSUES", "permission TRANSITION_ISSUES", "permission DELETE_ISSUES"}

// judgeRights finds the permissions of the Jira account that no caller can have it use: those that it has are too many,
// and those that it lacks are no matter. Who may call with a token of an issuer is not known here. What a key of the
// directory or the organization opens, Atlassian does not tell.
func (c *config) judgeRights(callers []auth.Caller, tested []connector.Finding) {
	if len(callers) == 0 || c.issuer() != nil || slices.ContainsFunc(callers, func(one auth.Caller) bool { return one.May("Issue", true) }) {
		return
	}
	for i := range tested {
		f := &tested[i]
		switch {
		case !slices.Contains(issueRights, f.Capability):
		case f.Outcome == connector.OutcomeDenied:
			f.Outcome, f.Detail = connector.OutcomeOff, "no caller may write issues"
		case f.Outcome == connector.OutcomeOK || f.Outcome == connector.OutcomeLimited:
			f.Outcome, f.Detail, f.Fix = connector.OutcomeLimited, "the Jira account has it, and no caller may write issues", "take it from ADMIN_EMAIL, or give a caller the right"
		}
	}
}

// fileFindings names files with secrets that everybody on this machine can read.
func (c *config) fileFindings(environ []string, envFile string) []connector.Finding {
	file, err := readVariablesFile(envFile)
	if err != nil {
		return nil
	}
	paths := []string{file.name, c.CallersFile, c.TokenFile}
	variables := file.under(environ)
	for _, name := range secretNames() {
		paths = append(paths, variables[name+fileSuffix])
	}
	var found []connector.Finding
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "" || err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 {
			continue
		}
		found = append(found, connector.Finding{Capability: "files", Outcome: connector.OutcomeLimited,
			Detail: fmt.Sprintf("everybody on this machine can read %s (%v)", path, info.Mode().Perm()), Fix: "chmod 600 " + path})
	}
	return found
}

// checkPlaces lists addresses that cannot be right.
func (c *config) checkPlaces() error {
	var problems []error
	if site, err := url.Parse(c.SiteURL); err == nil && strings.HasSuffix(site.Hostname(), ".atlassian.net") && strings.Trim(site.Path, "/") != "" {
		problems = append(problems, fmt.Errorf("SITE_URL must end after the host: https://%s, without %s", site.Host, site.Path))
	}
	if _, id, _ := strings.Cut(strings.TrimRight(c.SCIMURL, "/"), "/scim/directory/"); id != "" && c.DirectoryID != "" && id != c.DirectoryID {
		problems = append(problems, errors.New("SCIM_URL ends with the id of another directory than DIRECTORY_ID: keep one of them"))
	}
	if strings.ContainsAny(c.DirectoryID, "/:") {
		problems = append(problems, errors.New("DIRECTORY_ID must be the id alone, what stands at the end of the directory's SCIM base URL"))
	}
	if c.AdminEmail != "" && !strings.Contains(c.AdminEmail, "@") && !placeholder.MatchString(c.AdminEmail) {
		problems = append(problems, errors.New("ADMIN_EMAIL must be the e-mail address of the account, not its name"))
	}
	return errors.Join(problems...)
}

// sameKeys names settings that hold one and the same key.
func (c *config) sameKeys() []connector.Finding {
	var found []connector.Finding
	secrets := []struct {
		name  string
		value secret
	}{{"DIRECTORY_API_KEY", c.DirectoryAPIKey}, {"ACCOUNT_SECURITY_API_KEY", c.AccountSecurityAPIKey}, {"SCIM_ATLASSIAN_ORGANIZATION_API_KEY", c.OrganizationAPIKey}}
	for i, s := range secrets {
		for _, other := range secrets[:i] {
			if s.value != "" && s.value == other.value {
				found = append(found, connector.Finding{Capability: "kinds of keys", Outcome: connector.OutcomeFailed,
					Detail: fmt.Sprintf("%s and %s are the same: they are keys of different kinds", other.name, s.name), Fix: "docs/connect.md says where each is made"})
			}
		}
	}
	return found
}
