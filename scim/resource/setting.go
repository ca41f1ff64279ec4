package resource

import "fmt"

// Setting is the name by which the operator of the server knows a setting, such
// as an environment variable. Messages name it where it is the remedy. The
// program that reads the settings gives the names; without one, "", a message
// offers no such remedy.
type Setting string

// Advice returns format with the setting's name in place of its %s, or "" for a
// setting without a name.
func (s Setting) Advice(format string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(format, string(s))
}
