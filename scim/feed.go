package scim

import (
	"context"
	"time"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// Follow acts on what Atlassian tells of the changes of others, until ctx ends. It does
// nothing where Config.FeedInterval is 0.
func (s *Server) Follow(ctx context.Context) {
	if s.feed != nil {
		s.feed.Run(ctx)
	}
}

// Poll asks now what others have changed, and acts on it.
func (s *Server) Poll(ctx context.Context) error {
	if s.feed == nil {
		return nil
	}
	return s.feed.Poll(ctx)
}

// Feed tells how far the logs of changes were read, for metrics; false if there is no
// feed. It costs no upstream call.
func (s *Server) Feed() (feed.Stats, bool) {
	if s.feed == nil {
		return feed.Stats{}, false
	}
	return s.feed.Stats(), true
}

// feed makes the feed of the backends, nil if there is to be none.
func (c Config) feed(user, group *resource.Type, users *directory.Users, groups *directory.Groups, r *roles.Roles, o *organization.Accounts) (*feed.Feed, error) {
	if c.FeedInterval <= 0 || c.State != nil && c.State.ReadOnly() {
		return nil, nil
	}
	h, err := newHinted(user, group, users, groups, r, o)
	if err != nil {
		return nil, err
	}
	f := feed.New(feed.Config{Events: c.Events, Jira: c.Jira, State: c.State, Interval: c.FeedInterval, Hinted: h.act, Now: c.Now, Logger: c.Logger.Named("feed")})
	if c.FeedTrust > 0 {
		users.Trust(trusted(f, feed.Users, feed.Memberships), c.FeedTrust)
		groups.Trust(trusted(f, feed.Groups, feed.Memberships), c.FeedTrust)
		r.Trust(trusted(f, feed.Roles), c.FeedTrust)
		if o != nil {
			o.Trust(trusted(f, feed.Users), c.FeedTrust)
		}
	}
	return f, f.Load(context.Background())
}

// trusted returns the time up to which the feed has told of every change of all kinds,
// and since when.
func trusted(f *feed.Feed, kinds ...feed.Kind) func() (upTo, since time.Time) {
	return func() (upTo, since time.Time) {
		upTo, since = f.Trusted(kinds[0])
		for _, kind := range kinds[1:] {
			to, from := f.Trusted(kind)
			if to.Before(upTo) {
				upTo = to
			}
			if from.After(since) {
				since = from
			}
		}
		return upTo, since
	}
}

// follower tells a feed of own writes, which backends make before there is one.
type follower struct{ feed *feed.Feed }

func (f *follower) wrote(w directory.Written) {
	if f.feed == nil {
		return
	}
	kind := feed.Users
	switch {
	case w.Account != "" && w.Group != "":
		kind = feed.Memberships
	case w.Group != "":
		kind = feed.Groups
	}
	f.feed.Wrote(feed.Write{Kind: kind, Account: w.Account, Email: w.Email, Group: w.Group, At: w.At})
}

func (f *follower) wroteRole(project string) {
	if f.feed != nil {
		f.feed.Wrote(feed.Write{Kind: feed.Roles, Project: project})
	}
}
