package resource

// Policy says how a request is to be treated where clients differ. It comes from
// the settings of the caller.
type Policy struct {
	Strict               bool // to the letter of the RFCs
	KeepMembers          bool // a PUT of a group that does not name members leaves them alone
	IgnoreUnknownMembers bool // members that the directory does not have are passed over, not refused
}
