package emulator

import (
	"math/rand/v2"
	"time"
)

// seedEpoch is when the tenant began; the age of everything seeded counts from
// it, so that the same seed gives the same dates.
var seedEpoch = time.Date(2021, time.February, 16, 15, 5, 41, 185473000, time.UTC)

// seedDirectory fills accounts and directory. Emulator.mu is held.
func seedDirectory(e *Emulator, rng *rand.Rand) {
	e.accounts.add(&account{
		id: oldAccountID(rng), kind: kindPerson, name: "Ada Administrator", email: AdminEmail,
		active: true, managed: true, timeZone: "Europe/Berlin", locale: "en_US",
	})
}
