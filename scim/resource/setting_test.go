package resource_test

import (
	"testing"

	"scim-atlassian/scim/resource"
)

func TestSettingAdvice(t *testing.T) {
	const format = ", or set %s to derive it"
	for setting, want := range map[resource.Setting]string{"": "", "MAIL_DOMAIN": ", or set MAIL_DOMAIN to derive it"} {
		if got := setting.Advice(format); got != want {
			t.Errorf("advice of %q: got %q, want %q", setting, got, want)
		}
	}
}
