package idhub

import (
	"strings"

	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// This file is what queries over accounts and entitlements cost, for plans. Nothing in
// it makes a call.

// sum adds prices; where one is unknown, it counts as one call, and known is false.
func sum(prices ...int) (cost int, known bool) {
	known = true
	for _, p := range prices {
		if p < 0 {
			p, known = 1, false
		}
		cost += p
	}
	return cost, known
}

// stats returns the cost of reading all entitlements.
func (s *search) stats(n mirror.Need) query.Stats {
	st := s.groups.Collection().Stats(n)
	if st.Scan >= 0 {
		beside, known := sum(s.rolesCost, s.peopleCost)
		st.Scan, st.Unsure = st.Scan+beside, !known
	}
	st.Kept = st.Kept && s.rolesCost == 0 && s.peopleCost == 0
	return st
}

// priced returns a lookup with its price, of which known says whether it is the most, too.
func priced(l query.Lookup, price func(value string) (cost int, known bool)) query.Lookup {
	l.Cost = func(value string) int {
		cost, _ := price(value)
		return cost
	}
	l.Most = func(value string) int {
		if cost, known := price(value); known {
			return cost
		}
		return -1
	}
	return l
}

// namePrice is the price of a lookup by name.
func (s *search) namePrice(name string) (cost int, known bool) {
	switch kind, _, ok := splitName(name); {
	case !ok:
		return 0, true
	case kind == kindRole:
		return s.kindPrice(kindRole)
	}
	return 1, true
}

// kindPrice is the price of a lookup by kind. Without its members a role costs less.
func (s *search) kindPrice(kind string) (cost int, known bool) {
	switch strings.ToUpper(kind) {
	case kindGroup:
		return sum(s.groups.ScanCost())
	case kindRole:
		return sum(s.rolesCost, s.peopleCost)
	}
	return 0, true
}

// heldCost returns the number of upstream calls that finding what an account holds takes:
// the account, its groups and those that hold its roles, and what any reading of roles takes.
func (s *search) heldCost(account string) int {
	cost, _ := sum(1, s.groups.ManyCost(s.groupsToRead(account)), s.rolesCost, s.peopleCost)
	return cost
}

// groupsToRead returns how many groups heldCost expects.
func (s *search) groupsToRead(account string) int {
	if user, book := s.accounts.users.Known(account), s.roles.Known(); user != nil && book != nil {
		groups, granted := held(user, book)
		return len(query.Unique(append(groups, groupsOf(granted)...)))
	}
	if size, known := s.groups.SizeOf(account); known {
		return size
	}
	return 1
}

// heldMost returns the number of upstream calls that heldCost estimates at most, -1 if
// that is unknown.
func (s *search) heldMost(string) int {
	if most, known := sum(1, s.groups.MostCost(), s.rolesCost, s.peopleCost); known {
		return most
	}
	return -1
}

// stats returns the cost of reading all accounts, and of the roles that the query q
// shows or examines.
func (b *accounts) stats(q resource.ListQuery, n mirror.Need) query.Stats {
	st := b.users.Collection().Stats(n)
	switch need := b.rolesNeeded(q); {
	case need.all:
		st.Beside = b.roles.ReadCost(mirror.Need{Fresh: q.Fresh, Links: true})
	case len(need.ids) > 0 && (q.Fresh || b.roles.Known() == nil):
		st.Beside = b.roles.SomeCost(need.ids)
	}
	if b.others == nil || st.Scan < 0 {
		return st
	}
	others := b.others.everyone.Cost(n.Fresh)
	st.Kept = st.Kept && others == 0
	if st.Scan += others; others < 0 {
		st.Scan = -1
	}
	return st
}

// holdersCost returns the number of upstream calls that finding the holders of an
// entitlement takes: of a group, the group and its members. For holders of a role all
// users are read, since the directory has no lookup by account id.
func (b *accounts) holdersCost(id string) int {
	if roles.IsRoleID(id) {
		return -1
	}
	return b.users.LinkedCost(id)
}
