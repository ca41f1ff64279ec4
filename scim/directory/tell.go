package directory

import (
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/tell"
)

// This file has what a user that Atlassian sent consists of as a resource, in one place
// for all that is made of it: its object, its hash and its JSON. It is the same as what
// userObject makes of a decoded user, and a test compares the two.

// The members of a user and of its parts.
var (
	idName, externalIDName, userNameName                      = tell.Named("id"), tell.Named("externalId"), tell.Named("userName")
	nameName, formattedName, familyNameName, givenNameName    = tell.Named("name"), tell.Named("formatted"), tell.Named("familyName"), tell.Named("givenName")
	middleNameName, prefixName, suffixName                    = tell.Named("middleName"), tell.Named("honorificPrefix"), tell.Named("honorificSuffix")
	displayNameName, nickNameName, titleName                  = tell.Named("displayName"), tell.Named("nickName"), tell.Named("title")
	languageName, timezoneName, activeName                    = tell.Named("preferredLanguage"), tell.Named("timezone"), tell.Named("active")
	emailsName, phoneNumbersName, groupsName                  = tell.Named("emails"), tell.Named("phoneNumbers"), tell.Named("groups")
	valueName, typeName, primaryName, displayName             = tell.Named("value"), tell.Named("type"), tell.Named("primary"), tell.Named("display")
	enterpriseName, organizationName, departmentName          = tell.Named(atlassian.EnterpriseSchema), tell.Named("organization"), tell.Named("department")
	externalName, accountIDName                               = tell.Named(atlassian.ExternalSchema), tell.Named("atlassianAccountId")
	metaName, resourceTypeName, createdName, lastModifiedName = tell.Named("meta"), tell.Named("resourceType"), tell.Named("created"), tell.Named("lastModified")
	locationName, versionName                                 = tell.Named("location"), tell.Named("version")
)

// userMembers is how many members a user has at most.
const userMembers = 18

// tellUser tells all members of a user but meta.
func tellUser(to tell.Teller, u *wire.User) {
	to.Text(idName, u.ID)
	to.Text(externalIDName, u.ExternalID)
	to.Text(userNameName, u.UserName)
	to.Begin(nameName)
	to.Text(formattedName, u.Formatted)
	to.Text(familyNameName, u.FamilyName)
	to.Text(givenNameName, u.GivenName)
	to.Text(middleNameName, u.MiddleName)
	to.Text(prefixName, u.HonorificPrefix)
	to.Text(suffixName, u.HonorificSuffix)
	to.End()
	to.Text(displayNameName, u.DisplayName)
	to.Text(nickNameName, u.NickName)
	to.Text(titleName, u.Title)
	to.Text(languageName, u.PreferredLanguage)
	to.Text(timezoneName, u.Timezone)
	if u.Active != wire.Unsaid {
		to.Flag(activeName, u.Active == wire.True)
	}
	tellValues(to, emailsName, u.Emails)
	tellValues(to, phoneNumbersName, u.PhoneNumbers)
	to.List(groupsName, len(u.Groups))
	for i := range u.Groups {
		to.Element()
		to.Text(valueName, u.Groups[i].Value)
		to.Text(displayName, u.Groups[i].Display)
		to.Fixed(typeName, "direct") // there are no nested groups, RFC 7643 section 4.1.2
		to.End()
	}
	to.End()
	to.Begin(enterpriseName)
	to.Text(organizationName, u.Organization)
	to.Text(departmentName, u.Department)
	to.End()
	to.Begin(externalName)
	to.Text(accountIDName, u.AccountID)
	to.End()
}

// tellValues tells addresses or numbers, which always have primary.
func tellValues(to tell.Teller, n *tell.Name, all []wire.Element) {
	to.List(n, len(all))
	for i := range all {
		to.Element()
		to.Text(valueName, all[i].Value)
		to.Text(typeName, all[i].Type)
		to.Flag(primaryName, all[i].Primary)
		to.End()
	}
	to.End()
}

// tellMeta tells what Atlassian knows of meta.
func (s *sentUsers) tellMeta(to tell.Teller, i int) {
	to.Fixed(resourceTypeName, "User")
	to.Instant(createdName, s.All[i].Created)
	to.Instant(lastModifiedName, s.modified(i))
}

// modified is the lastModified that is shown.
func (s *sentUsers) modified(i int) time.Time {
	if s.dates != nil && !s.dates[i].IsZero() {
		return s.dates[i]
	}
	return s.All[i].LastModified
}

// has reports whether a user has attributes of an extension.
func has(u *wire.User, extension string) bool {
	switch extension {
	case atlassian.EnterpriseSchema:
		return len(u.Organization)+len(u.Department) > 0
	case atlassian.ExternalSchema:
		return len(u.AccountID) > 0
	}
	return false
}
