package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// settingPrefix begins the names of our own settings, but for ADMIN_LISTEN.
const settingPrefix = "SCIM_ATLASSIAN_"

// settingNames are the variables that config is read from, in its order: every setting, and the file of every secret.
func settingNames() []string {
	var names []string
	for field := range reflect.TypeFor[config]().Fields() {
		name := field.Tag.Get("env")
		names = append(names, name)
		if field.Type == reflect.TypeFor[secret]() {
			names = append(names, name+fileSuffix)
		}
	}
	return names
}

// serviceLink matches the variables ("NAME=value") that Kubernetes sets in every container beside a service called
// scim-atlassian, or scim-atlassian-… as Helm calls the parts of a release.
var serviceLink = regexp.MustCompile(`^SCIM_ATLASSIAN_((\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)=|PORT=|\w+_PORT=(tcp|udp|sctp)://)`)

// checkNames tells which variables of the file and of the environment ("NAME=value") are no settings and look as if they
// were meant to be. Problems are names with our prefix, and other misspellings in the file. Doubts are other misspellings
// in the environment, where they may belong to other programs, and names that only lack our prefix.
func checkNames(file *variablesFile, environ []string) (problems, doubts []error) {
	known := settingNames()
	check := func(name, value, place string, inFile bool) {
		misspelt := slices.ContainsFunc(known, func(setting string) bool { return misspells(name, setting) })
		finding := &doubts
		switch {
		case slices.Contains(known, name) || serviceLink.MatchString(name+"="+value):
			return
		case strings.HasPrefix(name, settingPrefix), misspelt && inFile:
			finding = &problems
		case !misspelt && !slices.Contains(known, settingPrefix+name):
			return
		}
		*finding = append(*finding, fmt.Errorf("%s in %s is no setting: the nearest name is %s", name, place, nearestSetting(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(file.variables)) {
		check(name, file.variables[name], file.name, true)
	}
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(pair, "=")
		check(name, value, "the environment", false)
	}
	return problems, doubts
}

// longName is the number of letters from which two slips of the pen leave no doubt of the name that was meant.
const longName = 10

// misspells reports whether name must be a slip for setting: a wrong letter or two, another case or other
// underscores, a part that was left out, or a file for a setting that is no secret.
func misspells(name, setting string) bool {
	slips := 1
	if len(letters(setting)) >= longName {
		slips = 2
	}
	return edits(letters(name), letters(setting)) <= slips || leavesOut(name, setting) || name == setting+fileSuffix
}

// nearestSetting is the setting whose name differs least from name, with our prefix or without.
func nearestSetting(name string) string {
	return slices.MinFunc(settingNames(), func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is the number of edits between a name and a setting, without regard to our prefix. Leaving out a part or the
// beginning counts as few, since that is how names are remembered.
func distance(name, setting string) int {
	core := strings.TrimPrefix(name, settingPrefix)
	d := min(edits(letters(name), letters(setting)), edits(letters(core), letters(strings.TrimPrefix(setting, settingPrefix))))
	if leavesOut(name, setting) || strings.HasSuffix(setting, "_"+core) {
		d = min(d, 2)
	}
	return d
}

// leavesOut reports whether name is setting without one piece of it that is at most half as long and does not touch the
// first word: DIRECTORY_KEY, IDHUB_HOST.
func leavesOut(name, setting string) bool {
	gap, head := len(setting)-len(name), strings.IndexByte(setting, '_')+1
	if gap <= 0 || gap*2 > len(setting) || len(name) < head {
		return false
	}
	for head < len(name) && name[head] == setting[head] {
		head++
	}
	return strings.HasPrefix(setting, name[:head]) && strings.HasSuffix(setting, name[head:])
}

// letters are the letters and digits of a name, in upper case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, name)
}

// edits counts the bytes to insert, delete, replace or swap with their neighbour to make b of a: the optimal string
// alignment distance.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1) // rows[i][j]: the edits from a[:i] to b[:j]
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
